"""Many clients at once for a minute: is every request answered, rightly, and does memory stay flat?

    python benchmarks/speed/serving_load.py BUNDLE [--clients 64] [--seconds 60] [--out load.png]

Most clients ask for images of one to four slices and compare each answer with what the bundle gives in this
process. One in eight sends requests and takes them back, one in eight sends requests over the limit.
"""

import os
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import click
import grpc
import matplotlib
import numpy as np
import tensorflow as tf
from serving_process import server_process
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from cmrtf.bundle.bundle import Bundle
from cmrtf.bundle.contents import model_folder
from cmrtf.bundle.server import ServedModels
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.protocols import LABEL_VAE, SPADE_GAN

LIMIT_BYTES = 8 * 2**20
DEADLINE_S = 120.0


class Load:
    """The clients and what happened to them."""

    def __init__(self, bundle: Path, address: str) -> None:
        self.address = address
        self.counts: Counter[str] = Counter()
        self.latencies_s: list[float] = []
        self.stop = threading.Event()
        opened = Bundle.open(bundle)
        models = opened.models
        rng = np.random.default_rng(0)
        self.cases = []
        for rows in (1, 2, 3, 4):
            label_ids = models.decode(
                rng.standard_normal((rows, self._latent_dim(opened))).astype(np.float32)
            )
            styles = rng.standard_normal((rows, self._style_dim(opened))).astype(np.float32)
            self.cases.append((label_ids, styles, models.synthesize(label_ids, styles)))

    @staticmethod
    def _latent_dim(bundle: Bundle) -> int:
        return bundle.description[LABEL_VAE]["config"]["latent_dim"]

    @staticmethod
    def _style_dim(bundle: Bundle) -> int:
        return bundle.description[SPADE_GAN]["config"]["style_dim"]

    def ask(self, number: int) -> None:
        """Ask, compare, ask again."""
        server = ServedModels.connect(self.address, DEADLINE_S)
        rng = np.random.default_rng(number)
        while not self.stop.is_set():
            label_ids, styles, expected = self.cases[rng.integers(len(self.cases))]
            began = time.perf_counter()
            try:
                image = server.synthesize(label_ids, styles)
            except CmrtfError as error:
                self.counts[f"lost: {error}"] += 1
                continue
            self.latencies_s.append(time.perf_counter() - began)
            right = image.shape == expected.shape and np.abs(image - expected).max() <= 1e-5
            self.counts["right" if right else "wrong"] += 1

    def cancel(self, _: int) -> None:
        """Send requests and take them back at once."""
        with self._stub() as stub:
            while not self.stop.is_set():
                call = stub.Predict.future(self._request(4), timeout=DEADLINE_S)
                time.sleep(0.005)
                self.counts["cancelled" if call.cancel() else "answered before it was cancelled"] += 1
                time.sleep(0.1)

    def oversize(self, _: int) -> None:
        """Send more than the server takes."""
        with self._stub() as stub:
            while not self.stop.is_set():
                try:
                    stub.Predict(self._request(200), timeout=DEADLINE_S)
                    self.counts["oversized, but answered"] += 1
                except grpc.RpcError as error:
                    self.counts[f"oversized: {error.code().name}"] += 1
                time.sleep(0.5)

    def _request(self, rows: int) -> predict_pb2.PredictRequest:
        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = SPADE_GAN, "synthesize"
        label_ids, styles, _ = self.cases[0]
        for name, values in (("label_ids", label_ids.astype(np.int32)), ("style", styles)):
            request.inputs[name].CopyFrom(tf.make_tensor_proto(np.repeat(values[:1], rows, axis=0)))
        return request

    def _stub(self) -> "_Stub":
        return _Stub(self.address.removeprefix("grpc://"))


class _Stub:
    def __init__(self, target: str) -> None:
        self.channel = grpc.insecure_channel(target)

    def __enter__(self) -> prediction_service_pb2_grpc.PredictionServiceStub:
        return prediction_service_pb2_grpc.PredictionServiceStub(self.channel)

    def __exit__(self, *_: object) -> None:
        self.channel.close()


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path, exists=True))
@click.option("--clients", default=64, show_default=True)
@click.option("--seconds", default=60.0, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="PNG of the server's memory over time.")
def main(bundle: Path, clients: int, seconds: float, out: Path | None) -> None:
    """Load a server that holds BUNDLE, and say what happened."""
    folders = {model: model_folder(bundle, model) for model in (LABEL_VAE, SPADE_GAN)}
    with server_process(folders, workers=16, message_limit_bytes=LIMIT_BYTES) as server:
        load = Load(bundle, server.grpc)
        kinds = [load.cancel, load.oversize, *[load.ask] * 6]
        threads = [threading.Thread(target=kinds[i % 8], args=(i,)) for i in range(clients)]
        for thread in threads:
            thread.start()
        memory_mb = [_memory_mb(server.pid) for _ in _each_second(seconds)]
        load.stop.set()
        for thread in threads:
            thread.join()
    for what, count in sorted(load.counts.items()):
        click.echo(f"{count:8d} {what}")
    p50, p99 = (1000 * np.quantile(load.latencies_s, q) for q in (0.5, 0.99))
    click.echo(
        f"{len(load.latencies_s) / seconds:.1f} requests per second, median {p50:.0f} ms, 99 % {p99:.0f} ms"
    )
    thirds = [statistics.median(part) for part in np.array_split(memory_mb, 3)]
    click.echo(f"server's memory, median of each third: {', '.join(f'{value:.0f}' for value in thirds)} MB")
    if out:
        _plot(memory_mb, out)


def _each_second(seconds: float) -> Iterator[int]:
    for second in range(int(seconds)):
        time.sleep(1.0)
        yield second


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024.0


def _plot(memory_mb: list[float], out: Path) -> None:
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 2.5), layout="constrained")
    axes.plot(range(1, len(memory_mb) + 1), memory_mb)
    axes.set(xlabel="seconds", ylabel="memory of the server (MB)", ylim=(0, None))
    figure.savefig(out, dpi=120)


if __name__ == "__main__":
    main()
