"""Stops every command at random moments, lets many write the same file, fills disks and kills in between.

    python benchmarks/faults/stops.py --bundle demo/bundle [--signals 12] [--seed 0] [--only COMMAND ...]

Prints a row per fault: what was done, how often, how the processes ended, and how often all was as it should
be: the exit code of the signal, one line that says so and no traceback, the output complete or not there,
and nothing half-written beside it once the same folder is written again. Exits with 1 if something was not.
"""

import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import fault_child
import nibabel as nib
import numpy as np

from cmrtf.core.locks import PREFIX, sweep
from cmrtf.core.nifti import read_nifti, write_nifti

PROCESSES = multiprocessing.get_context("fork")
"""TensorFlow is imported here, and woken in the forks."""
CODES = {signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGKILL: -9}
NO_LIMIT = -1


@dataclass(frozen=True)
class Command:
    """What is stopped.

    Args:
        arguments: of the command line, but for its output.
        option: what names the output; "" where it is the last argument.
        goes_on: whether what is done stays, and the same command goes on.
        suffix: of the output's name.
    """

    arguments: tuple[str, ...]
    option: str = "--out"
    goes_on: bool = False
    suffix: str = ""

    def line(self, out: Path) -> list[str]:
        return [*self.arguments, *([self.option] if self.option else []), str(out)]


@dataclass
class Bench:
    """A folder for everything, and whether all went well so far."""

    folder: Path
    rng: random.Random
    failed: int = 0

    def start(
        self, line: list[str], limit: int = NO_LIMIT
    ) -> tuple[multiprocessing.process.BaseProcess, Path]:
        """`cmrtf LINE`, once it is running, and the file that it speaks to."""
        said = Path(tempfile.mkstemp(suffix=".txt", dir=self.folder)[1])
        said.unlink()
        arguments = (line, said, 0, 0.0, limit, {})
        process = PROCESSES.Process(target=fault_child.run_cmrtf, args=arguments)
        process.start()
        while not said.exists() and process.is_alive():
            time.sleep(0.001)
        return process, said

    def row(self, fault: str, times: int, ended: object, survived: int) -> None:
        self.failed += times - survived
        print(f"| {fault} | {times} | {ended} | {survived} of {times} |", flush=True)


def stopped(bench: Bench, name: str, command: Command, signals: int) -> None:
    """Signals between the first and the last moment of a command."""
    out = bench.folder / f"undisturbed-{name}{command.suffix}"
    began = time.monotonic()
    process, said = bench.start(command.line(out))
    process.join()
    lasts = time.monotonic() - began
    assert process.exitcode == 0, said.read_text()
    expected = contents(out)
    codes: Counter[int | None] = Counter()
    survived = 0
    for turn in range(signals):
        number = (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)[turn % 3]
        place = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=bench.folder))
        out = place / f"out{command.suffix}"
        process, said = bench.start(command.line(out))
        time.sleep(bench.rng.uniform(0.0, lasts))
        if process.is_alive():
            os.kill(process.pid or 0, number)
        process.join()
        codes[process.exitcode] += 1
        problems = faults_of(command, number, process.exitcode, said, out, expected)
        if not problems and command.goes_on and process.exitcode:
            process, said = bench.start(command.line(out))
            process.join()
            if process.exitcode or contents(out) != expected:
                problems = [f"does not go on: {said.read_text()[-500:]}"]
        survived += not problems
        for problem in problems:
            print(f"  {name}, signal {number}: {problem}")
        shutil.rmtree(place)
    bench.row(f"{name} stopped or killed", signals, dict(codes), survived)


def faults_of(
    command: Command, number: int, code: int | None, said: Path, out: Path, expected: set[str]
) -> list[str]:
    """What is not as it should be after a signal."""
    problems = []
    text = said.read_text()
    if code not in (0, CODES[signal.Signals(number)]):
        problems.append(f"exit code {code}: {text[-500:]}")
    elif code and number != signal.SIGKILL and "Stopped by" not in text.splitlines()[-1]:
        problems.append(f"does not say so: {text[-500:]}")
    if "Traceback" in text or "Exception ignored" in text:
        problems.append(f"a traceback: {text[-2000:]}")
    if number == signal.SIGKILL:
        sweep(out.parent)  # as the next command would
    if left := [path.name for path in out.parent.iterdir() if path.name.startswith(PREFIX)]:
        problems.append(f"left {left}")
    if not command.goes_on and out.exists() and contents(out) != expected:
        problems.append("half an output under its final name")
    if code == 0 and contents(out) != expected:
        problems.append("exit code 0 without the whole output")
    return problems


def contents(out: Path) -> set[str]:
    """Names of all files of an output, but for those that say when it was made and stopped."""
    if out.is_file():
        return {out.name.partition(".")[2]}
    names = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    steps = {name: int(found[1]) for name in names if (found := re.search(r"checkpoints/ckpt-(\d+)", name))}
    # Before the last checkpoint there is one of where a run was stopped.
    last = max(steps.values(), default=0)
    return {name for name in names if "tfevents" not in name and steps.get(name, last) == last}


def many_writers(bench: Bench, writers: int) -> None:
    """The same NIfTI file, at the same time."""
    path = bench.folder / "many.nii.gz"
    processes = [
        PROCESSES.Process(target=write_volume, args=(path, number), daemon=True) for number in range(writers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    data = read_nifti(path).data
    whole = bool((data == data.flat[0]).all()) and not list(bench.folder.glob(f"{PREFIX}*"))
    bad = sum(process.exitcode != 0 for process in processes)
    bench.row("processes that write the same file at once", writers, f"{bad} failed", writers * whole - bad)


def write_volume(path: Path, number: int) -> None:
    """The target of a process."""
    for _ in range(5):
        write_nifti(path, np.full((64, 64, 10), number, np.int16), np.eye(4))


def same_output(bench: Bench, name: str, command: Command, times: int) -> None:
    """Two processes at a time on one output: one makes it, or goes on with it, the other is refused."""
    survived, ends = 0, Counter[tuple[int | None, ...]]()
    for _ in range(times):
        out = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=bench.folder)) / f"out{command.suffix}"
        started = [bench.start(command.line(out)) for _ in range(2)]
        for process, _ in started:
            process.join()
        codes = tuple(sorted(process.exitcode or 0 for process, _ in started))
        ends[codes] += 1
        whole = contents(out) == contents(bench.folder / f"undisturbed-{name}{command.suffix}")
        fine = whole and codes == (0, 1) and not any("Traceback" in said.read_text() for _, said in started)
        survived += fine
        if not fine:
            print(*(said.read_text()[-500:] for _, said in started), sep="\n")
    bench.row(f"two times {name} on one output", times, dict(ends), survived)


def full_disk(bench: Bench, name: str, command: Command, sizes_kb: tuple[int, ...]) -> None:
    """Disks that take some of the output, and none of it."""
    survived = 0
    codes: Counter[int | None] = Counter()
    for size_kb in sizes_kb:
        with small_disk(bench.folder / "small", size_kb) as disk:
            out = disk / f"out{command.suffix}"
            process, said = bench.start(command.line(out))
            process.join()
            codes[process.exitcode] += 1
            last = said.read_text().splitlines()[-1]
            whole = command.goes_on or not out.exists()
            fine = process.exitcode == 1 and last.startswith("Error: ") and whole
            survived += fine
            print(f"  {last}" if fine else f"  {name}, {size_kb} kB: {said.read_text()[-1500:]}")
    bench.row(f"{name} on full disks", len(sizes_kb), dict(codes), survived)


@contextmanager
def small_disk(folder: Path, size_kb: int) -> Iterator[Path]:
    """A file system of its own."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)
        folder.rmdir()


def commands(folder: Path) -> dict[str, Command]:
    """All that write, by name."""
    cohort, bundle, preset = (str(folder / name) for name in ("cohort", "bundle", "preset.yaml"))
    codes = sorted(path.name.split(".")[0] for path in (folder / "cohort" / "subjects").glob("*.npz"))
    between = ("--subject-a", codes[0], "--subject-b", codes[1], "--phase", "ED", "--subjects", "2")
    training = (cohort, "--preset", preset, "--resume")
    return {
        "phantom": Command(("phantom", "--subjects", "2", "--frames", "2"), ""),
        "prepare": Command(("prepare", str(folder / "raw")), "", goes_on=True),
        "train-vae": Command(("train-vae", *training), "--run", goes_on=True),
        "train-gan": Command(("train-gan", *training), "--run", goes_on=True),
        "export": Command(("export", "--vae", str(folder / "vae"), "--gan", str(folder / "gan")), ""),
        "interpolate": Command(("interpolate", "--model", bundle, "--data", cohort, *between)),
        "remodel": Command(
            ("remodel", "--model", bundle, "--data", cohort, "--subject", codes[0], "--target", "EDV=120 ml")
        ),
        "generate": Command(("generate", "--model", bundle, "--subjects", "2"), goes_on=True),
        "synthesize": Command(
            ("synthesize", "--model", bundle, str(folder / "labels.nii.gz")), suffix=".nii.gz"
        ),
    }


def prepare(folder: Path, bundle: Path) -> None:
    """Inputs of all commands."""
    cmrtf = [sys.executable, "-m", "cmrtf_cli"]

    def run(*arguments: str | Path) -> None:
        subprocess.run([*cmrtf, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)

    (folder / "preset.yaml").write_text(fault_child.PRESET)
    run("phantom", folder / "raw", "--subjects", "4", "--frames", "2")
    run("prepare", folder / "raw", folder / "cohort")
    for kind in ("vae", "gan"):
        run(f"train-{kind}", folder / "cohort", "--run", folder / kind, "--preset", folder / "preset.yaml")
    shutil.copytree(bundle, folder / "bundle")
    labels = next((folder / "raw").glob("*/*_gt.nii.gz"))
    volume = nib.load(labels)
    ed = next(frame for frame in range(volume.shape[3]) if np.asarray(volume.dataobj)[..., frame].any())
    write_nifti(folder / "labels.nii.gz", np.asarray(volume.dataobj)[..., ed], volume.affine)


@click.command()
@click.option("--signals", default=12, help="To each command: SIGTERM, SIGINT and SIGKILL in turn.")
@click.option("--seed", default=0, help="Of the moments.")
@click.option("--bundle", type=click.Path(path_type=Path), required=True, help="Trained: it makes hearts.")
@click.option("--only", multiple=True, help="Commands to try.")
def main(signals: int, seed: int, bundle: Path, only: tuple[str, ...]) -> None:
    """Print the table; exit with 1 if something was not as it should be."""
    with tempfile.TemporaryDirectory(prefix="cmrtf-stops-") as name:
        bench = Bench(Path(name), random.Random(seed))
        prepare(bench.folder, bundle)
        tried = {
            name: command for name, command in commands(bench.folder).items() if not only or name in only
        }
        print("| fault | times | the processes | as it should be |\n|---|---|---|---|")
        many_writers(bench, 40)
        faults: list[Callable[[str, Command], None]] = [
            lambda name, command: stopped(bench, name, command, signals),
            lambda name, command: same_output(bench, name, command, 2),
            lambda name, command: full_disk(bench, name, command, (8, 40, 200)),
        ]
        for fault in faults:
            for name, command in tried.items():
                fault(name, command)
    sys.exit(bench.failed > 0)


if __name__ == "__main__":
    main()
