"""What a reader yields: light subjects that know their files.

A reader turns one data set's layout into `RawSubject` objects and is the only place that knows
that layout; `examination.py` reads their files, and everything after it sees label ids in `SCHEMA`'s
order and 0-based frames.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.files import is_file
from cmrtf.core.issues import WARNING, Issue
from cmrtf.core.labels import SCHEMA, VENDORS
from cmrtf.errors import FileError

ABBREVIATION = re.compile(r"[A-Za-z0-9-]{1,8}")

Candidate = TypeVar("Candidate")


@dataclass(frozen=True)
class PhaseFiles:
    """Where one phase of one subject is stored.

    Args:
        image: NIfTI file of the image.
        label: NIfTI file of the label.
        frame: 0-based frame of the cine, or None when the data set does not say.
        is_cine: whether the files hold the whole cine `(x, y, z, t)` or this frame alone.
    """

    image: Path
    label: Path
    frame: int | None
    is_cine: bool


@dataclass(frozen=True)
class RawVolume:
    """One phase as it is stored, checked, in NIfTI order.

    Args:
        image: `(x, y, z)` finite values in the source's units.
        label_ids: `(x, y, z)` uint8 in `SCHEMA`'s order.
        affine: `(4, 4)`, voxel index to scanner millimetres.
        source: the image's file, for messages.
    """

    image: NDArray[Any]
    label_ids: NDArray[np.uint8]
    affine: NDArray[np.float64]
    source: Path


@dataclass(frozen=True)
class RawSubject:
    """One labelled subject of a raw data set.

    Args:
        subject: the data set's code of the subject.
        vendor: `"A"` to `"D"`, or `""` when unknown.
        pathology: the data set's abbreviation, or `""` when unknown.
        phases: `"ED"` and `"ES"` to their files.
        label_to_schema: label value in the file to label id in `SCHEMA`.
        issues: what the reader warns of.
        centre: the data set's number or abbreviation, or `""` when unknown.
    """

    subject: str
    vendor: str
    pathology: str
    phases: Mapping[str, PhaseFiles]
    label_to_schema: Mapping[int, int] = field(
        default_factory=lambda: {label_id: label_id for label_id in range(SCHEMA.num_classes)}
    )
    issues: tuple[Issue, ...] = ()
    centre: str = ""

    @property
    def files(self) -> dict[str, Path]:
        """`"ED image"`, `"ED label"`, ... to their files; a cine is the file of several."""
        return {
            f"{phase} {kind}": path
            for phase, files in self.phases.items()
            for kind, path in (("image", files.image), ("label", files.label))
        }


@dataclass(frozen=True)
class SkippedSubject:
    """A subject that a reader left out on purpose.

    Args:
        subject: the data set's code of the subject.
        reason: why, without folder names.
    """

    subject: str
    reason: str


@dataclass(frozen=True)
class RawCohort:
    """What a reader found under a folder.

    Args:
        format: the reader's name.
        subjects: the labelled subjects in order of their codes.
        skipped: subjects without labels, which are no mistake.
        problems: one for each subject that is there but cannot be read.
    """

    format: str
    subjects: tuple[RawSubject, ...]
    skipped: tuple[SkippedSubject, ...]
    problems: tuple[Issue, ...]


@dataclass(frozen=True)
class Reader:
    """One data set's layout.

    Args:
        name: what `--format` calls it.
        layout: the files it looks for, for messages.
        recognises: whether a folder holds such files.
        read: the subjects under a folder; raises `CmrtfError` when the data set as a whole is unusable.
    """

    name: str
    layout: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path], RawCohort]


def gather(
    data_format: str,
    candidates: Iterable[tuple[str, Candidate]],
    read_one: Callable[[str, Candidate], RawSubject | SkippedSubject],
) -> RawCohort:
    """Read subject after subject; one that cannot be read becomes a problem.

    Args:
        data_format: the reader's name.
        candidates: code of each subject and what its reader wants to know of it.
        read_one: makes a subject of both, or raises `FileError`.
    """
    subjects: list[RawSubject] = []
    skipped: list[SkippedSubject] = []
    problems: list[Issue] = []
    for code, candidate in candidates:
        try:
            found = read_one(code, candidate)
        except FileError as error:
            problems.append(Issue.of(error, code))
            continue
        if isinstance(found, RawSubject):
            subjects.append(found)
        else:
            skipped.append(found)
    return RawCohort(data_format, tuple(subjects), tuple(skipped), tuple(problems))


def require_partner(image: Path, label: Path) -> None:
    """Check that both files of a pair are there.

    Raises:
        FileError: naming the one that is there.
    """
    for there, missing, what in ((label, image, "image"), (image, label, "label")):
        if not is_file(missing):
            raise FileError(there, f"expected the {what} {missing.name} beside it. Received: none.")


def known_vendor(text: str, source: Path) -> tuple[str, tuple[Issue, ...]]:
    """A vendor's letter, or `""` and a warning.

    Args:
        text: what the data set says.
        source: the file that says it.
    """
    if text in VENDORS:
        return text, ()
    problem = f"expected a vendor from {VENDORS[0]} to {VENDORS[-1]} for the subject; taken as unknown"
    return "", (Issue(WARNING, source, problem),)


def known_pathology(text: str) -> str:
    """An abbreviation as it is; anything longer may name a patient and becomes `""`."""
    return text if ABBREVIATION.fullmatch(text) else ""


def known_centre(text: str) -> str:
    """A number or an abbreviation as it is; anything longer becomes `""`, as with pathologies.

    Spreadsheet programs make 1 into 1.0.
    """
    return known_pathology(re.sub(r"\.0*$", "", text))
