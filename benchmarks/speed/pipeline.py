"""Preparing a cohort step by step against reading its files; loading it; the command line's start."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from labels import Material
from timing import Effort, interleave, milliseconds

from cmrtf.cohort.build import prepare
from cmrtf.cohort.build_subject import inputs_of
from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.cohort.npz_store import to_npz
from cmrtf.core.files import sha256
from cmrtf.datasets.layouts import read_raw
from cmrtf.quality.checks import check_subject
from cmrtf.training.input_pipeline import Slices

SUBJECTS = 12
"""So many subjects at most are prepared step by step: they are held in memory."""

READ = "nibabel reads the files"
WHOLE = "prepare, all of it"
HELP_ROUNDS = 5


def measure_pipeline(material: Material, effort: Effort) -> dict[str, Any]:
    """Milliseconds per subject of each step, seconds to load the cohort and to show the help."""
    with tempfile.TemporaryDirectory() as scratch:
        return {
            "prepare": _measure_steps(material.raw, Path(scratch), effort),
            "load": _measure_load(material.prepared, effort),
            "help_s": _measure_help(),
        }


def _measure_steps(raw: Path, scratch: Path, effort: Effort) -> dict[str, Any]:
    subjects = read_raw(raw).subjects[:SUBJECTS]
    checked = [check_subject(subject) for subject in subjects]
    prepared = [subject.prepared() for subject in checked]

    def write() -> None:
        for subject, result in zip(subjects, prepared, strict=True):
            content = to_npz(result.stacks)
            (scratch / subject.subject).write_bytes(content)
            sha256(content)
            inputs_of(subject)

    steps = {
        READ: lambda: [
            np.asanyarray(nib.load(path).dataobj) for s in subjects for path in set(s.files.values())
        ],
        "check_subject": lambda: [check_subject(subject) for subject in subjects],
        "prepared": lambda: [subject.prepared() for subject in checked],
        "npz and hashes": write,
    }
    timings = interleave(steps, effort)
    per_subject = {name: timing.median_ms / len(subjects) for name, timing in timings.items()}
    per_subject["these three together"] = sum(ms for name, ms in per_subject.items() if name != READ)
    whole_ms = milliseconds(lambda: prepare(raw, scratch / "built"))
    per_subject[WHOLE] = whole_ms / len(PreparedCohort.open(scratch / "built"))
    return {
        "subjects": len(subjects),
        "steps": {
            name: {"ms_per_subject": ms, "times_nibabel": ms / per_subject[READ]}
            for name, ms in per_subject.items()
        },
    }


def _measure_load(prepared: Path, effort: Effort) -> dict[str, float]:
    def load() -> int:
        cohort = PreparedCohort.open(prepared)
        return sum(len(Slices.of_split(cohort, split).image) for split in ("train", "validation"))

    return {"slices": load(), "seconds": interleave({"load": load}, effort)["load"].median_ms / 1000.0}


def _measure_help() -> float:
    """Wall seconds of `cmrtf --help`."""
    command = [str(Path(sys.executable).parent / "cmrtf"), "--help"]

    def show() -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    show()
    return float(np.median([milliseconds(show) for _ in range(HELP_ROUNDS)])) / 1000.0
