"""Whether a change of the code makes commands slower: the same ones of two checkouts, in turn.

    python benchmarks/compare_speed.py INPUTS --other CHECKOUT [--rounds 5] [--only NAME ...]

Five rounds take twenty minutes on two idle cores. Prints a Markdown table: for each command the median
processor seconds (user and system, children included) and wall seconds of the other checkout and of this
one, and the medians of the ratios this / other, pair by pair; ratios above 1.05 are bold. Expected between
equal checkouts: .97 to 1.03 for processor time; on a busy machine a single pair is up to a fifth off.

INPUTS is the folder of `compare_outputs.py`, of which demo/ is used. A command is a whole process, from
starting Python to writing the last file. The checkouts take turns (other, this, other, this, ...), so that
what else the machine does falls on both; a first `--help` of each, which compiles modules, does not count.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from compare_outputs import HERE, commands

STEPS = 30
FLAGGED = 1.05
"""Ratios above are printed bold."""


@dataclass(frozen=True)
class Usage:
    """What one process took.

    Args:
        cpu_s: processor seconds, user and system.
        wall_s: seconds from start to end.
    """

    cpu_s: float
    wall_s: float


def timed_commands(inputs: Path, out: Path) -> dict[str, list[str]]:
    """Name to arguments of each command, all outputs below `out`."""
    recorded = commands(inputs, out)
    demo = inputs / "demo"
    bundle = ["--model", str(demo / "bundle")]
    synthesize = [str(demo / "walk/inter_04_ED/label.nii.gz"), "--style", "A", "--out", str(out / "A.nii.gz")]
    generate = ["--subjects", "2", "--seed", "5", "--out", str(out / "generated")]
    preset = out.parent / "preset.yaml"

    def train(model: str) -> list[str]:
        options = {"--run": out / model, "--preset": preset, "--steps": STEPS}
        return [f"train-{model}", str(demo / "prepared"), *(str(word) for o in options.items() for word in o)]

    return {
        "--help": ["--help"],
        "check": recorded["check"],
        "prepare": recorded["prepare"],
        "interpolate": [*recorded["inter"], "--subjects", "4"],
        "generate --subjects 2": ["generate", *bundle, *generate],
        "synthesize": ["synthesize", *bundle, *synthesize],
        f"train-vae, {STEPS} steps": train("vae"),
        f"train-gan, {STEPS} steps": train("gan"),
    }


def write_preset(path: Path) -> None:
    """Preset `cpu` with one interval of `STEPS` steps: runs end with an interval, whatever `--steps` says."""
    text = (HERE / "cmrtf/training/presets/cpu.yaml").read_text(encoding="utf-8")
    path.write_text(re.sub(r"interval_steps: \d+", f"interval_steps: {STEPS}", text), encoding="utf-8")


def run_command(arguments: Sequence[str], checkout: Path, folder: Path) -> Usage:
    """Run `cmrtf` of a checkout to its end; exit if it fails."""
    source = os.pathsep.join(str(checkout / part) for part in ("", "cli", "export"))
    log = folder / "log.txt"
    began = time.perf_counter()
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "cmrtf_cli", *arguments],
            env=os.environ | {"PYTHONPATH": source, "CUDA_VISIBLE_DEVICES": "-1"},
            cwd=folder,  # python -m looks there first: it must be no checkout
            stdout=said,
            stderr=said,
        )
        _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(
            f"{checkout}: cmrtf {arguments[0]} ended with {process.returncode}: {log.read_text()[-2000:]}"
        )
    return Usage(usage.ru_utime + usage.ru_stime, wall_s)


def compare(inputs: Path, checkouts: Mapping[str, Path], rounds: int, names: Sequence[str]) -> None:
    """Print a row of the table for each command; all rounds of a command follow each other."""
    with tempfile.TemporaryDirectory(prefix="cmrtf-speed-") as name:
        scratch, out = Path(name), Path(name) / "out"
        write_preset(scratch / "preset.yaml")
        for checkout in checkouts.values():
            run_command(["--help"], checkout, scratch)
        for command, arguments in timed_commands(inputs, out).items():
            if names and not command.strip("-").startswith(tuple(names)):
                continue
            usages: dict[str, list[Usage]] = {side: [] for side in checkouts}
            for _ in range(rounds):
                for side, checkout in checkouts.items():
                    shutil.rmtree(out, ignore_errors=True)
                    out.mkdir()
                    usages[side].append(run_command(arguments, checkout, scratch))
            print(row(command, usages), flush=True)


def row(command: str, usages: Mapping[str, Sequence[Usage]]) -> str:
    """One line of the table."""
    cells = [f"`{command}`"]
    for field in ("cpu_s", "wall_s"):
        other, this = ([getattr(usage, field) for usage in usages[side]] for side in ("other", "this"))
        ratio = statistics.median(b / a for a, b in zip(other, this, strict=True))
        cells += [f"{statistics.median(side):.2f}" for side in (other, this)]
        cells.append(f"**{ratio:.3f}**" if ratio > FLAGGED else f"{ratio:.3f}")
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("inputs", type=Path)
    parser.add_argument("--other", type=Path, required=True, help="the checkout to compare this one with")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=[], help="beginnings of commands, such as help or train")
    arguments = parser.parse_args()
    print("| command | CPU s, other | this | ratio | wall s, other | this | ratio |")
    print("| --- |" + " ---: |" * 6, flush=True)
    checkouts = {"other": arguments.other.resolve(), "this": HERE}
    compare(arguments.inputs.resolve(), checkouts, arguments.rounds, arguments.only)


if __name__ == "__main__":
    main()
