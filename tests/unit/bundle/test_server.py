"""Against a double of TensorFlow Serving, by gRPC and by REST."""

import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from cmrtf.bundle.grpc_transport import MESSAGE_LIMIT_BYTES, GrpcTransport
from cmrtf.bundle.server import ServedModels
from cmrtf.bundle.transport import ATTEMPTS
from cmrtf.errors import CmrtfError

PROTOCOLS = ["grpc", "rest"]


@pytest.fixture(params=PROTOCOLS)
def address(request, addresses):
    return addresses[request.param]


def test_it_does_what_the_bundle_does(address, bundle, slices):
    server = ServedModels.connect(address)
    label_ids, image = slices["label_ids"], slices["image"][..., 0]
    for ours, expected in (
        (server.encode(label_ids), bundle.models.encode(label_ids)),
        (server.decode(slices["code"]), bundle.models.decode(slices["code"])),
        (server.encode_style(image), bundle.models.encode_style(image)),
        (server.synthesize(label_ids, slices["style"]), bundle.models.synthesize(label_ids, slices["style"])),
    ):
        assert ours.dtype == expected.dtype
        np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_no_slices_give_none(address):
    assert ServedModels.connect(address).decode(np.zeros((0, 4), np.float32)).shape == (0, 128, 128)


def test_messages_stay_below_the_limit(promised):
    """Both ways, in the larger of the signatures that are called; only one output is asked for."""
    rows = GrpcTransport.rows_per_call
    for signature in (*promised["label_vae"].values(), *promised["spade_gan"].values()):
        sizes = [4 * np.prod(spec.shape[1:]) for spec in signature.inputs.values()]
        if len(signature.inputs) < 3:  # walks are not called in parts
            assert rows * sum(sizes) < 0.9 * MESSAGE_LIMIT_BYTES
        image = signature.outputs.get("image") or signature.outputs.get("label_ids")
        if image is not None:
            assert rows * 4 * np.prod(image.shape[1:]) < 0.9 * MESSAGE_LIMIT_BYTES


def test_a_label_chooses_the_version(address, served, session_models):
    served.models["label_vae"][2], served.models["spade_gan"][2] = session_models.values()
    assert ServedModels.connect(address).versions == {"label_vae": 2, "spade_gan": 2}
    assert ServedModels.connect(f"{address}/stable").versions == {"label_vae": 1, "spade_gan": 1}


def test_the_version_stays_when_a_newer_one_comes(address, served, slices):
    """Codes of one version mean nothing to the next."""
    server = ServedModels.connect(address)
    expected = server.encode(slices["label_ids"])
    served.models["label_vae"][2] = served.models["spade_gan"][1]
    np.testing.assert_array_equal(server.encode(slices["label_ids"]), expected)
    assert server.provenance == {"server": address, "server_versions": {"label_vae": 1, "spade_gan": 1}}


def test_what_is_unavailable_for_a_moment_is_asked_again(address, served, slices, monkeypatch):
    """A request of 2 MiB too, which is more than gRPC repeats unless told so."""
    monkeypatch.setattr(
        f"cmrtf.bundle.{'grpc' if 'grpc' in address else 'rest'}_transport.FIRST_PAUSE_S", 0.05
    )
    server = ServedModels.connect(address)
    served.refusals = 2
    rows = server.rows_per_call
    image = server.synthesize(np.repeat(slices["label_ids"][:1], rows, 0), np.zeros((rows, 4), np.float32))
    assert len(image) == rows
    assert (served.refusals, served.requests) == (0, 3)


def test_asking_again_ends(address, served, slices, monkeypatch):
    monkeypatch.setattr(
        f"cmrtf.bundle.{'grpc' if 'grpc' in address else 'rest'}_transport.FIRST_PAUSE_S", 0.01
    )
    server = ServedModels.connect(address)
    served.refusals = 1000
    with pytest.raises(CmrtfError, match=r"Received: .*batch scheduling queue"):
        server.encode(slices["label_ids"])
    assert served.requests == ATTEMPTS


@pytest.mark.parametrize("address", [None, 5, b"grpc://localhost:1", ["x"]])
def test_an_address_is_text(address):
    with pytest.raises(CmrtfError, match=r"address: expected text\. Received: "):
        ServedModels.connect(address)


@pytest.mark.parametrize("deadline_s", [-1, 0, float("nan"), float("inf"), "x", None, True])
def test_a_deadline_that_is_none_is_refused(deadline_s):
    with pytest.raises(
        CmrtfError, match=r"deadline_s: expected a number above 0 and at most 3,600 s\. Received: "
    ):
        ServedModels.connect("grpc://localhost:1", deadline_s)


def test_an_answer_that_takes_too_long_is_given_up(address, served, slices):
    server = ServedModels.connect(address, deadline_s=0.3)
    served.delay_s = 1.0
    began = time.monotonic()
    with pytest.raises(CmrtfError, match=r"expected an answer of model label_vae.* within 0\.3 s"):
        server.encode(slices["label_ids"])
    assert time.monotonic() - began < 0.9
    assert served.requests == 1


def test_what_the_graph_refuses_is_passed_on(address, slices):
    label_ids = slices["label_ids"].copy()
    label_ids[0, 0, 0] = 9
    with pytest.raises(CmrtfError, match=r"label_ids must be within 0\.\.3"):
        ServedModels.connect(address).encode(label_ids)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_missing_model_is_named(served, addresses, protocol):
    del served.models["spade_gan"]
    with pytest.raises(CmrtfError, match=r"expected model spade_gan to answer.*Servable not found"):
        ServedModels.connect(addresses[protocol])


def test_a_missing_label_is_named(address):
    with pytest.raises(
        CmrtfError, match=r"version canary, to answer.*Unrecognized servable version label: canary"
    ):
        ServedModels.connect(f"{address}/canary")


def test_a_version_that_is_still_loading_is_named(address, served):
    served.loading.add(("label_vae", 1))
    with pytest.raises(CmrtfError, match=r"expected model label_vae to answer.*Servable not found"):
        ServedModels.connect(address)


def test_a_version_that_has_gone_is_named(address, served, slices):
    server = ServedModels.connect(address)
    served.models["label_vae"] = {2: served.models["label_vae"][1]}
    with pytest.raises(
        CmrtfError, match=r"model label_vae, version 1.*Servable not found for request: Specific"
    ):
        server.encode(slices["label_ids"])


def test_a_missing_signature_is_named(address, served):
    served.models["label_vae"] = {1: served.models["spade_gan"][1]}
    message = (
        r"to have the signatures encode, decode\. Received: .*; without encode, decode it is not of a bundle"
    )
    with pytest.raises(CmrtfError, match=message):
        ServedModels.connect(address)


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_nobody_there_is_said(scheme, monkeypatch):
    for transport in ("grpc", "rest"):
        monkeypatch.setattr(f"cmrtf.bundle.{transport}_transport.FIRST_PAUSE_S", 0.01)
    with pytest.raises(
        CmrtfError, match=rf"{scheme}://localhost:1: expected (a server that answers|an answer)"
    ):
        ServedModels.connect(f"{scheme}://localhost:1", deadline_s=5)


@pytest.mark.parametrize(
    "address",
    [
        "localhost:8500",
        "ftp://localhost:21",
        "grpc://h:x",
        "",
        "http://name:secret@localhost:8501",
        "http://localhost:8501/v1/models",
        "http://localhost:8501?a=b",
        "http://[::1",
        "x" * 5000,
    ],
)
def test_what_is_no_address_is_refused(address):
    """And repeated unless there may be a password in it."""
    with pytest.raises(CmrtfError, match=r"expected the address of a server, like grpc://") as refused:
        ServedModels.connect(address)
    assert "secret" not in str(refused.value)
    assert ("secret" in address) != (repr(address[:200]) in str(refused.value))


@pytest.mark.parametrize(
    ("status", "text", "received"),
    [
        (200, '{"status": "ok"}', "as TensorFlow Serving gives it. Received: {'status': 'ok'}"),
        (200, "<html>Welcome</html>", "as TensorFlow Serving gives it. Received: <html>Welcome"),
        (404, "[1]", "Received: status 404, [1]"),
        (502, "<html>Bad gateway</html>", "Received: status 502, <html>Bad gateway"),
    ],
)
def test_what_is_not_tensorflow_serving_is_shown(status, text, received):
    class Other(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("localhost", 0), Other)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        with pytest.raises(CmrtfError, match=re.escape(received)):
            ServedModels.connect(f"http://localhost:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()


def test_cancelled_and_oversized_requests_do_not_disturb_others(served, bundle, slices):
    """A small version of what `benchmarks/speed/serving_load.py` does for a minute."""
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    import serving_double

    expected = bundle.models.synthesize(slices["label_ids"], slices["style"])
    failures = []
    with serving_double.serve(served, message_limit_bytes=4 * 2**20) as (address, _):

        def good():
            server = ServedModels.connect(address)
            for _ in range(5):
                image = server.synthesize(slices["label_ids"], slices["style"])
                if not np.allclose(image, expected, atol=1e-5):
                    failures.append("another image")

        def bad():
            request = predict_pb2.PredictRequest()
            request.model_spec.name, request.model_spec.signature_name = "label_vae", "encode"
            request.inputs["label_ids"].CopyFrom(tf.make_tensor_proto(np.zeros((80, 128, 128), np.int32)))
            with grpc.insecure_channel(address.removeprefix("grpc://")) as channel:
                stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
                for _ in range(5):
                    try:
                        stub.Predict(request, timeout=60)
                        failures.append("oversized, but answered")
                    except grpc.RpcError as error:
                        if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                            failures.append(error.code())
                    small = predict_pb2.PredictRequest()
                    small.CopyFrom(request)
                    small.inputs["label_ids"].CopyFrom(tf.make_tensor_proto(slices["label_ids"]))
                    stub.Predict.future(small).cancel()

        threads = [threading.Thread(target=target) for target in [good, bad] * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures
