"""Looks at a whole raw data set: what is there, and what is wrong with it, file by file."""

import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from cmrtf.core.issues import ERROR, Issue
from cmrtf.core.preparation import prepare_image, stack_geometry
from cmrtf.datasets.base import RawSubject, SkippedSubject
from cmrtf.datasets.readers import AUTO, read_raw
from cmrtf.errors import FileError
from cmrtf.quality.checks import duplicate_issues, examine


@dataclass(frozen=True)
class Facts:
    """What is known of a subject that can be used.

    Args:
        subject: the subject.
        spacing_mm: `(x, y, z)`.
        num_slices: of its stack.
        voxels_sha256: SHA-256 of the first phase's image values.
    """

    subject: RawSubject
    spacing_mm: tuple[float, float, float]
    num_slices: int
    voxels_sha256: str


@dataclass(frozen=True)
class Inspection:
    """What came of looking at a raw data set.

    Args:
        root: its folder.
        data_format: the reader that was used.
        num_subjects: labelled subjects, usable or not.
        facts: of those that can be used.
        skipped: subjects left out on purpose.
        issues: errors first, then by file.
    """

    root: Path
    data_format: str
    num_subjects: int
    facts: tuple[Facts, ...]
    skipped: tuple[SkippedSubject, ...]
    issues: tuple[Issue, ...]

    def summary(self) -> dict[str, Any]:
        """What is there: counts and ranges, in plain types."""
        subjects = [each.subject for each in self.facts]
        spacing = np.array([each.spacing_mm for each in self.facts]).reshape(-1, 3)
        return {
            "format": self.data_format,
            "subjects": self.num_subjects,
            "usable": len(subjects),
            "skipped": dict(Counter(each.reason for each in self.skipped)),
            "vendors": _counts(subject.vendor for subject in subjects),
            "pathologies": _counts(subject.pathology for subject in subjects),
            "phases": _counts(phase for subject in subjects for phase in subject.phases),
            "pixel_mm": _range(spacing[:, :2].ravel()),
            "slice_spacing_mm": _range(spacing[:, 2]),
            "slices": _range(np.array([each.num_slices for each in self.facts])),
        }


def inspect_raw(
    root: Path, data_format: str = AUTO, workers: int | None = None, progress: bool = False
) -> Inspection:
    """Read every file of a raw data set and judge it; nothing is written.

    Args:
        root: the data set's folder.
        data_format: a reader's name, or `"auto"`.
        workers: subjects looked at at the same time; default: one per processor.
        progress: whether to show a progress bar.

    Raises:
        CmrtfError: the folder is no data set that can be read.
    """
    found = read_raw(root, data_format)
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        results = pool.map(_inspect_one, found.subjects)
        judged = list(tqdm(results, "check", len(found.subjects), unit="subject", disable=not progress))
    facts = tuple(each for each, _ in judged if each)
    issues = [*found.problems, *(issue for _, each in judged for issue in each)]
    issues += duplicate_issues((each.subject, each.voxels_sha256) for each in facts)
    issues.sort(key=lambda each: (each.level != ERROR, str(each.file)))
    num_subjects = len(found.subjects) + len(found.problems)
    return Inspection(root, found.format, num_subjects, facts, found.skipped, tuple(issues))


def _inspect_one(subject: RawSubject) -> tuple[Facts | None, tuple[Issue, ...]]:
    """A subject's facts, unless it cannot be used, and what is wrong with it."""
    examination = examine(subject)
    if not examination.volumes:
        return None, examination.issues
    geometry = stack_geometry(examination.volumes)
    try:
        for volume in examination.volumes.values():
            prepare_image(volume.image, geometry, volume.source)
    except FileError as error:
        return None, (*examination.issues, Issue.of(error, subject.subject))
    x, y, z = (float(size) for size in np.linalg.norm(geometry.source_affine[:3, :3], axis=0))
    num_slices = geometry.source_shape[2]
    facts = Facts(examination.subject, (x, y, z), num_slices, examination.voxels_sha256)
    return facts, examination.issues


def _counts(names: Iterable[str]) -> dict[str, int]:
    """How often each name occurs, in their order."""
    return dict(sorted(Counter(name or "unknown" for name in names).items()))


def _range(values: np.ndarray[Any, Any]) -> list[float]:
    """Smallest and largest value, or nothing of nothing."""
    return [round(float(values.min()), 3), round(float(values.max()), 3)] if values.size else []
