"""Preparing a cohort step by step against reading its files; loading it; the command line's start."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from cmrtf.datasets.layouts import read_raw
from labels import Material
from timing import Effort, interleave, milliseconds

from cmrtf.cohort.build import build_cohort
from cmrtf.cohort.build_subject import inputs_of, sha256, stored_arrays, to_npz
from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.core.preparation import prepare_subject
from cmrtf.quality.checks import examine
from cmrtf.training.input_pipeline import Slices

SUBJECTS = 12
"""So many subjects at most are prepared step by step: they are held in memory."""

READ = "nibabel reads the files"
WHOLE = "build_cohort, all of it"
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
    loaded = [examine(subject).usable_volumes() for subject in subjects]
    prepared = [prepare_subject(volumes) for volumes in loaded]

    def write() -> None:
        for subject, result in zip(subjects, prepared, strict=True):
            content = to_npz(stored_arrays(result))
            (scratch / subject.subject).write_bytes(content)
            sha256(content)
            inputs_of(subject)

    steps = {
        READ: lambda: [
            np.asanyarray(nib.load(path).dataobj) for s in subjects for path in set(s.files.values())
        ],
        "examine": lambda: [examine(subject) for subject in subjects],
        "prepare_subject": lambda: [prepare_subject(volumes) for volumes in loaded],
        "npz and hashes": write,
    }
    timings = interleave(steps, effort)
    per_subject = {name: timing.median_ms / len(subjects) for name, timing in timings.items()}
    per_subject["these three together"] = sum(ms for name, ms in per_subject.items() if name != READ)
    built: list[Any] = []
    whole_ms = milliseconds(lambda: built.append(build_cohort(raw, scratch / "built")))
    per_subject[WHOLE] = whole_ms / len(
        built[0].cohort.subjects("train") + built[0].cohort.subjects("validation")
    )
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
