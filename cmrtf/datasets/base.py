"""What a layout of data sets is: how one is read, how one is written, and what reading yields.

A reader turns one data set's layout into `RawSubject` objects, light ones that know their files, and is the
only place that knows that layout: everything after it sees label ids in `SCHEMA`'s order and 0-based frames.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from cmrtf.core.cine import Cine
from cmrtf.core.files import real_path
from cmrtf.core.issues import Issue
from cmrtf.core.labels import SCHEMA
from cmrtf.core.nifti import NiftiVolume, read_nifti
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject
from cmrtf.errors import CmrtfError, FileError

PROVENANCE_FOLDER: Final = "provenance"
"""Of a generated cohort: it holds `<CODE>.json` for each subject, `cohort.json` and `report.html`."""

APEX_FIRST: Final = "apex-first"
BASE_FIRST: Final = "base-first"
SLICE_ORDERS: Final = (APEX_FIRST, BASE_FIRST)
"""How the slices of a file can run."""

Candidate = TypeVar("Candidate")


@dataclass(frozen=True)
class PhaseFiles:
    """Where one phase of one subject is stored.

    Args:
        image: file of the image, or folder of its series.
        label: file of the label, or folder of its contours.
        frame: 0-based frame of the cine, or None when the data set does not say.
        is_cine: whether the files hold the whole cine `(x, y, z, t)` or this frame alone.
    """

    image: Path
    label: Path
    frame: int | None
    is_cine: bool

    @property
    def has_image(self) -> bool:
        """Whether there is an image: a label file of its own stands in its place."""
        return self.image != self.label


@dataclass(frozen=True)
class RawSubject:
    """One labelled subject of a raw data set.

    Args:
        subject: the data set's code of the subject.
        vendor: `"A"` to `"D"`, or `""` when unknown.
        pathology: the data set's abbreviation, or `""` when unknown.
        phases: `"ED"` and `"ES"` to their files.
        label_to_schema: label value in the file to label id in `SCHEMA`. A structure without a value is not
            labelled: where it is, is unknown.
        issues: what the reader warns of.
        centre: the data set's number or abbreviation, or `""` when unknown.
        read: reads one of its files.
        slice_order: one of `SLICE_ORDERS` where a user says it, `""` where it is to be told from the stack.
        other_orders: how many other stacks of the data set are known to be stored apex first and base first;
            they count where the stack leaves it in doubt.
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
    read: Callable[[Path], NiftiVolume] = read_nifti
    slice_order: str = ""
    other_orders: tuple[int, int] = (0, 0)

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
    """The subjects of a raw data set, their volumes not yet read.

    Args:
        format: the reader's name.
        subjects: the labelled subjects in order of their codes.
        skipped: subjects without labels, which are no mistake.
        problems: one for each subject that is there but cannot be read.
        warnings: of the data set as a whole; they name files, so they go into no manifest.
    """

    format: str
    subjects: tuple[RawSubject, ...]
    skipped: tuple[SkippedSubject, ...]
    problems: tuple[Issue, ...]
    warnings: tuple[Issue, ...] = ()

    @property
    def codes(self) -> set[str]:
        """Of all labelled subjects, whether they can be read or not."""
        return {subject.subject for subject in self.subjects} | {issue.subject for issue in self.problems}


@dataclass(frozen=True)
class Reader:
    """How one data set's layout is read.

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


@dataclass(frozen=True)
class Layout:
    """How a generated cohort is written.

    Args:
        name: what the command line calls it.
        write_subject: writes the files of one subject, all of whose phases are there, below the cohort's
            folder. Twice does no harm.
        read_subject: reads them again, from the cohort's folder, the subject's name and the source values of
            -1 and 1: its stacks by phase.
        complete: writes the tables of the cohort, from the provenance of each subject in order. Readers
            need them, so they take no cohort that is not complete.
        folder_pattern: what the whole name of the cohort's folder must match.
        folder_example: a name that does.
        check_addable: whether subjects whose codes begin with a prefix can join a data set that is there;
            raises `CmrtfError` where they cannot. None: new data sets only.
        read_cine: reads the heart beat of a subject again, as `read_subject`, from the frame of end systole
            and the time of a frame too. None: the layout holds end diastole and end systole alone.
    """

    name: str
    write_subject: Callable[[Path, Subject], None]
    read_subject: Callable[[Path, str, tuple[float, float]], dict[str, Stack]]
    complete: Callable[[Path, Iterable[Mapping[str, Any]]], None]
    folder_pattern: str = r".*"
    folder_example: str = ""
    check_addable: Callable[[Path, str], None] | None = None
    read_cine: Callable[[Path, str, tuple[float, float], int, float], Cine] | None = None

    def check_cines(self) -> None:
        """Check that whole heart beats can be written.

        Raises:
            CmrtfError: they cannot.
        """
        if self.read_cine is None:
            raise CmrtfError(
                f"layout: expected mnms, which holds all frames of a heart beat. Received: {self.name}."
            )

    def check_folder(self, out: Path) -> None:
        """Check the name of a cohort's folder.

        Raises:
            CmrtfError: readers of this layout would not accept it.
        """
        name = real_path(out).name
        if not re.fullmatch(self.folder_pattern, name):
            raise CmrtfError(
                f"{out}: expected a folder named as {self.name} wants it, such as {self.folder_example}. "
                f"Received: {name}."
            )


def gather(
    data_format: str,
    candidates: Iterable[tuple[str, Candidate]],
    read_one: Callable[[str, Candidate], RawSubject | SkippedSubject],
    warnings: Iterable[Issue] = (),
) -> RawCohort:
    """Read subject after subject; one that cannot be read becomes a problem.

    Args:
        data_format: the reader's name.
        candidates: code of each subject and what its reader wants to know of it.
        read_one: makes a subject of both, or raises `FileError`.
        warnings: of the data set as a whole.
    """
    subjects: list[RawSubject] = []
    skipped: list[SkippedSubject] = []
    problems: list[Issue] = []
    for code, candidate in candidates:
        try:
            subject = read_one(code, candidate)
        except FileError as error:
            problems.append(Issue.of(error, code))
            continue
        if isinstance(subject, RawSubject):
            subjects.append(subject)
        else:
            skipped.append(subject)
    return RawCohort(data_format, tuple(subjects), tuple(skipped), tuple(problems), tuple(warnings))
