"""Trains tiny models on a phantom cohort, and lets happen to them what happens to runs.

    python benchmarks/faults/faults.py [--kills 24] [--seed 0]

Prints a row per fault: what was done, how often, how the process ended, and whether the run that went on
with `--resume` is the same, to the last bit of its last checkpoint and of `log.csv`, as one that nothing
happened to. Exits with 1 if one is not.
"""

import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import click
import fault_child
import numpy as np
import tensorflow as tf

PROCESSES = multiprocessing.get_context("forkserver")
KINDS = ("gan", "vae")
NEVER = (0, 0.0)
"""Signal 0 is none."""


@dataclass(frozen=True)
class Process:
    """A running `cmrtf` and the file that it speaks to."""

    process: BaseProcess
    said: Path

    def wait(self) -> tuple[int | None, str]:
        """Exit code and last line."""
        self.process.join()
        lines = self.said.read_text().strip().splitlines()
        return self.process.exitcode, lines[-1] if lines else ""


@dataclass
class Bench:
    """A cohort, a run of each kind that nothing happened to, and the rows so far."""

    folder: Path
    rng: random.Random
    rows: list[tuple[str, int, str, int]] = field(default_factory=list)

    def reference(self, kind: str) -> Path:
        return self.folder / f"{kind}-undisturbed"

    def fresh(self, kind: str) -> Path:
        """A folder for another run."""
        return Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=self.folder)) / "run"

    def start(
        self,
        kind: str,
        run: Path,
        fault: tuple[int, float] = NEVER,
        preset: str = "preset.yaml",
        limit: int = resource.RLIM_INFINITY,
        environment: dict[str, str] | None = None,
    ) -> "Process":
        """`cmrtf train-KIND --resume` in a process of its own."""
        said = Path(tempfile.mkstemp(suffix=".txt", dir=self.folder)[1])
        settings = ["--run", run, "--preset", self.folder / preset, "--resume"]
        arguments = [str(word) for word in (f"train-{kind}", self.folder / "cohort", *settings)]
        process = PROCESSES.Process(
            target=fault_child.run_cmrtf, args=(arguments, said, *fault, limit, environment or {})
        )
        process.start()
        return Process(process, said)

    def train(self, kind: str, run: Path, *arguments: Any, **how: Any) -> tuple[int | None, str]:
        """Exit code and last line."""
        return self.start(kind, run, *arguments, **how).wait()

    def finish(self, kind: str, run: Path) -> bool:
        """Go on to the end; whether the run is as if nothing had happened."""
        code, said = self.train(kind, run)
        if code:
            print(f"  does not go on: {said}")
        return code == 0 and fingerprint(run) == fingerprint(self.reference(kind))

    def row(self, fault: str, times: int, ended: str, survived: int) -> None:
        self.rows.append((fault, times, ended, survived))
        print(f"| {fault} | {times} | {ended} | {int(survived)} of {times} |", flush=True)


def fingerprint(run: Path) -> dict[str, bytes]:
    """Everything that a run is made of, but for wall-clock times."""
    index = max((run / "checkpoints").glob("*.index"), key=lambda file: int(file.stem.split("-")[1]))
    reader = tf.train.load_checkpoint(str(index.with_suffix("")))
    names = [n for n in reader.get_variable_to_shape_map() if not n.startswith("_CHECKPOINTABLE")]
    values = {name: np.asarray(reader.get_tensor(name)).tobytes() for name in names}
    files = [run / "log.csv", *(run / "samples").iterdir(), *run.glob("style_bank.json")]
    return values | {file.name: file.read_bytes() for file in files}


def killed_at_random(bench: Bench, kind: str, kills: int, signals: tuple[int, ...], name: str) -> None:
    """Signals from before the first step to after the last, to runs that go on each time.

    One in four comes while the process starts; the others while it trains.
    """
    codes: set[int | None] = set()
    done, survived, runs = 0, 0, 0
    while done < kills:
        run = bench.fresh(kind)
        runs += 1
        while done < kills and not _finished(run):
            number = bench.rng.choice(signals)
            if bench.rng.random() < 0.25:
                started = bench.start(kind, run)
                time.sleep(bench.rng.uniform(0.0, 8.0))
                os.kill(started.process.pid or 0, number)
                code, _ = started.wait()
            else:
                code, _ = bench.train(kind, run, (number, bench.rng.uniform(0.0, 2.5)))
            if code or not _finished(run):
                done += 1
            codes.add(code)
        survived += bench.finish(kind, run)
    bench.row(f"{name}, {kind}: {kills} in all, runs:", runs, f"exit {codes}", survived)


def _finished(run: Path) -> bool:
    log = run / "log.csv"
    return log.exists() and log.read_text().splitlines()[-1].startswith("24,")


def damaged_checkpoint(bench: Bench) -> None:
    """The last checkpoint truncated, filled with zeros, or deleted, each of its files in turn."""
    damages: dict[str, Callable[[Path], object]] = {
        "truncated": lambda file: os.truncate(file, file.stat().st_size // 2),
        "emptied": lambda file: os.truncate(file, 0),
        "filled with zeros": lambda file: file.write_bytes(bytes(file.stat().st_size)),
        "deleted": lambda file: file.unlink(),
    }
    for damage, apply in damages.items():
        survived = 0
        for part in ("index", "data-00000-of-00001"):
            run = bench.fresh("vae")
            shutil.copytree(bench.reference("vae"), run)
            apply(run / "checkpoints" / f"ckpt-24.{part}")
            survived += bench.finish("vae", run)
        bench.row(f"last checkpoint {damage} (index, data), vae", 2, "goes on from the one before", survived)


def disk_full(bench: Bench) -> None:
    """A file system of 300 KiB, then the run moved to a larger one."""
    with small_disk(bench.folder / "small", "300k") as disk:
        if disk is None:
            limited_files(bench)
            return
        code, said = bench.train("vae", disk / "run")
        run = bench.fresh("vae")
        shutil.copytree(disk / "run", run)
    print(f"  {said}")
    bench.row("disk full (tmpfs of 300 KiB), vae", 1, f"exit {code}", bench.finish("vae", run))


def limited_files(bench: Bench) -> None:
    """Where nothing can be mounted: no file may grow beyond 100 kB."""

    run = bench.fresh("vae")
    code, said = bench.train("vae", run, limit=100_000)
    print(f"  {said}")
    bench.row("no file may grow (RLIMIT_FSIZE), vae", 1, f"exit {code}", bench.finish("vae", run))


def read_only(bench: Bench) -> None:
    """A run directory that became read-only."""
    with small_disk(bench.folder / "read-only", "20m") as disk:
        if disk is None:
            print("  read-only folder: not tried, nothing can be mounted here")
            return
        bench.train("vae", disk / "run", (signal.SIGTERM, 0.5))
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        code, said = bench.train("vae", disk / "run")
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        print(f"  {said}")
        bench.row("read-only run directory, vae", 1, f"exit {code}", bench.finish("vae", disk / "run"))


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path | None]:
    """A file system of its own, or None where nothing can be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def second_process(bench: Bench) -> None:
    """While one trains, another is started on the same folder.

    The first is halted meanwhile: a tiny model is trained before another process has started.
    """
    run = bench.fresh("vae")
    first = bench.start("vae", run)
    while not (run / "log.csv").exists():
        time.sleep(0.01)
    os.kill(first.process.pid or 0, signal.SIGSTOP)
    code, said = bench.train("vae", run)
    os.kill(first.process.pid or 0, signal.SIGCONT)
    first.wait()
    print(f"  {said}")
    refused = code == 1 and bench.finish("vae", run)
    bench.row("second process on the same run, vae", 1, f"second: exit {code}", refused)


def divergence(bench: Bench) -> None:
    """A learning rate that no weight survives."""
    (bench.folder / "hot.yaml").write_text(
        fault_child.PRESET.replace("learning_rate: 1.0e-3", "learning_rate: 1.0e+38")
    )
    run = bench.fresh("vae")
    code, said = bench.train("vae", run, NEVER, "hot.yaml")
    print(f"  {said}")
    refused = not (run / "checkpoints").exists() and "first in the weights" in said
    bench.row("NaN or infinity (learning rate 1e38), vae: named, not saved", 1, f"exit {code}", refused)


def lost_machine(bench: Bench) -> None:
    """Of two processes one is killed; both are started again."""
    run = bench.fresh("vae")

    def start(faults: tuple[tuple[int, float], tuple[int, float]]) -> list[tuple[int | None, str]]:
        workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
        processes = []
        for number, fault in enumerate(faults):
            config = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": number}}
            environment = {"TF_CONFIG": json.dumps(config)}
            processes.append(bench.start("vae", run, fault, environment=environment))
        return [process.wait() for process in processes]

    for number, name in ((signal.SIGKILL, "SIGKILL"), (signal.SIGTERM, "SIGTERM")):
        for victim in (1, 0):
            faults = [NEVER, NEVER]
            faults[victim] = (number, bench.rng.uniform(0.0, 0.8))
            ended = start(tuple(faults))  # type: ignore[arg-type]
            print(f"  {ended}")
            codes = [code for code, _ in ended]
            wanted = [143, 143] if name == "SIGTERM" else [1 - 10 * (n == victim) for n in (0, 1)]
            bench.row(f"{name} to process {victim} of two, vae", 1, f"exit {codes}", codes == wanted)
    ended = start((NEVER, NEVER))
    reference = (bench.reference("vae") / "log.csv").read_text().splitlines()
    rows = (run / "log.csv").read_text().splitlines()
    steps = [[row.split(",")[0] for row in text] for text in (rows, reference)]
    apart = np.abs(numbers(rows) / numbers(reference) - 1).max()
    print(f"  figures beside one process: {apart:.1e} apart")
    bench.row(
        "both started again, vae", 1, f"exit {[c for c, _ in ended]}", steps[0] == steps[1] and apart < 0.01
    )


def numbers(rows: list[str]) -> np.ndarray:
    """Losses of a log."""
    return np.array([[float(value) for value in row.split(",")[1:4]] for row in rows[1:]])


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@click.command()
@click.option("--kills", default=24, help="Signals per kind of model; a third as many SIGTERM and SIGINT.")
@click.option("--seed", default=0, help="Of the moments.")
def main(kills: int, seed: int) -> None:
    """Print the table; exit with 1 if something was lost."""
    PROCESSES.set_forkserver_preload(["fault_child"])
    with tempfile.TemporaryDirectory(prefix="cmrtf-faults-") as name:
        bench = Bench(Path(name), random.Random(seed))
        (bench.folder / "preset.yaml").write_text(fault_child.PRESET)
        cmrtf = [sys.executable, "-m", "cmrtf_cli"]
        subprocess.run(
            [*cmrtf, "phantom", bench.folder / "raw", "--subjects", "4", "--frames", "2"], check=True
        )
        subprocess.run([*cmrtf, "prepare", bench.folder / "raw", bench.folder / "cohort"], check=True)
        print("| fault | times | the process | runs as if undisturbed |\n|---|---|---|---|")
        for kind in KINDS:
            assert bench.train(kind, bench.reference(kind))[0] == 0
            killed_at_random(bench, kind, kills, (signal.SIGKILL,), "SIGKILL at random moments")
            stops = (signal.SIGTERM, signal.SIGINT)
            killed_at_random(bench, kind, kills // 3, stops, "SIGTERM or SIGINT at random moments")
        damaged_checkpoint(bench)
        disk_full(bench)
        read_only(bench)
        second_process(bench)
        divergence(bench)
        lost_machine(bench)
    sys.exit(any(survived < times for _, times, _, survived in bench.rows))


if __name__ == "__main__":
    main()
