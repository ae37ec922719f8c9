"""M&Ms (Campello et al., IEEE TMI 2021): 4D cines, labels at ED and ES, one CSV. Read and written.

Read are the official tree `Training/{Labeled,Unlabeled}`, `Validation`, `Testing`, trees without
those folders, and flat ones: a subject is wherever `<CODE>_sa.nii.gz` is, with `<CODE>_sa_gt.nii.gz`
beside it. Both generations of the CSV are read by header name; frames in it count from 0.

Generated subjects are written as cines that are labelled throughout: ED is frame 0, ES is frame 1 of two, or
that of the heart beat.
"""

import csv
import re
from collections.abc import Iterable, Mapping, Set
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.cine import Cine
from cmrtf.core.files import new_file, real_path
from cmrtf.core.issues import WARNING, Issue, listed
from cmrtf.core.labels import PHASES
from cmrtf.core.nifti import read_nifti, write_nifti
from cmrtf.core.stack import Stack
from cmrtf.core.stack_files import stack_of_files
from cmrtf.core.subject import Subject
from cmrtf.core.text import cell
from cmrtf.datasets.base import (
    Layout,
    PhaseFiles,
    RawCohort,
    RawSubject,
    Reader,
    SkippedSubject,
    gather,
)
from cmrtf.datasets.raw_files import (
    is_there,
    require_partner,
    stranger_issues,
    subject_folders,
    visible_files,
    volume_file,
)
from cmrtf.datasets.tables import Row, known_centre, known_pathology, known_vendor, read_tables, vendor_letter
from cmrtf.errors import CmrtfError, FileError

NAME = "mnms"
FILE_NAME = re.compile(r"(?P<code>.+)_sa(_gt)?\.nii(\.gz)?", re.DOTALL)
CODE_COLUMN = "External code"
REQUIRED_COLUMNS = (CODE_COLUMN, "Vendor", "ED", "ES")
ALWAYS_LABELLED = {"labeled", "validation", "testing"}
"""Folders, in lower case, in which a subject without labels is a mistake."""

FRAME = re.compile(r"(\d{1,4})([.,]0*)?")
"""A frame number; spreadsheet programs make 9 into 9.0."""

CSV_NAME = "211230_M&Ms_Dataset_information_diagnosis_opendataset.csv"
"""File name of the M&Ms table that has the diagnoses."""

CSV_COLUMNS = (
    "",
    CODE_COLUMN,
    "VendorName",
    "Vendor",
    "Centre",
    "ED",
    "ES",
    "Age",
    "Pathology",
    "Sex",
    "Height",
    "Weight",
)
"""Its columns; the first, unnamed one is a running number."""

VENDOR_NAMES = {"A": "Siemens", "B": "Philips", "C": "GE", "D": "Canon"}

GENERATED_FRAME_S = 0.3
"""From ED to ES, about."""


def read(root: Path) -> RawCohort:
    """All M&Ms subjects under a folder.

    Raises:
        CmrtfError: there is no CSV with the columns that are needed.
    """
    rows = _read_information(root)

    def read_one(code: str, folder: Path) -> RawSubject | SkippedSubject:
        if _is_unlabelled(root, code, folder, rows):
            return SkippedSubject(code, "unlabelled part of the data set")
        return _subject(code, folder, rows)

    folders = subject_folders(root, FILE_NAME)
    strangers = stranger_issues(root, "<CODE>_sa.nii.gz", lambda path: FILE_NAME.fullmatch(path.name))
    missing = _missing_issues(root, rows, {code for code, _ in folders})
    return gather(NAME, folders, read_one, (*strangers, *missing))


def recognises(root: Path) -> bool:
    """Whether there is any M&Ms image or label under a folder."""
    return any(FILE_NAME.fullmatch(path.name) for path in visible_files(root))


READER = Reader(NAME, "<CODE>_sa.nii.gz with <CODE>_sa_gt.nii.gz and the M&Ms CSV", recognises, read)


def _missing_issues(root: Path, rows: Mapping[str, Row], codes: Set[str]) -> tuple[Issue, ...]:
    """A warning of subjects that a table below the folder names, and that have no files."""
    missing = sorted(
        code for code, row in rows.items() if code not in codes and row.table.is_relative_to(root)
    )
    if not missing:
        return ()
    problem = (
        f"expected files of all its subjects. Received: {len(missing)} subjects of the table have no files"
    )
    return (Issue(WARNING, rows[missing[0]].table, f"{problem}: {listed(missing)}"),)


def _is_unlabelled(root: Path, code: str, folder: Path, rows: Mapping[str, Row]) -> bool:
    """Whether the data set gives no labels for a subject.

    `Unlabeled` says so by name (and may hold empty label files). In trees without that folder it is
    the training subjects of vendor C, whose label file is missing or empty.
    """
    parts = {part.lower() for part in (real_path(root).name, *folder.relative_to(root).parts)}
    if "unlabeled" in parts:
        return True
    if parts & ALWAYS_LABELLED or code not in rows or rows[code]["Vendor"] != "C":
        return False
    label = volume_file(folder, f"{code}_sa_gt")
    return not is_there(label) or not read_nifti(label).data.any()


def _subject(code: str, folder: Path, rows: Mapping[str, Row]) -> RawSubject:
    """One subject from its folder and its row of the CSV."""
    image, label = volume_file(folder, f"{code}_sa"), volume_file(folder, f"{code}_sa_gt")
    require_partner(image, label)
    if code not in rows:
        raise FileError(image, f"expected a row {CODE_COLUMN} = {code} in the M&Ms CSV. Received: none.")
    row = rows[code]
    row.require_sound()
    vendor, issues = known_vendor(row["Vendor"], row.table)
    named = vendor_letter(row.get("VendorName", ""))
    if vendor and named and vendor != named:
        problem = (
            f"expected one vendor in the subject's row. Received: Vendor {vendor}, and a VendorName that is "
            f"{VENDOR_NAMES[named]}; the letter is believed"
        )
        issues = (*issues, Issue(WARNING, row.table, problem))
    phases = {phase: PhaseFiles(image, label, _frame(row, phase, code), is_cine=True) for phase in PHASES}
    pathology = known_pathology(row.get("Pathology", ""))
    centre = known_centre(row.get("Centre", ""))
    return RawSubject(code, vendor, pathology, phases, issues=(*row.issues, *issues), centre=centre)


def _frame(row: Row, phase: str, code: str) -> int:
    """A 0-based frame number."""
    if match := FRAME.fullmatch(row[phase]):
        return int(match[1])
    raise FileError(
        row.table, f"expected the {phase} frame of {code}, counted from 0. Received: {row[phase]!r:.40}."
    )


def _read_information(root: Path) -> dict[str, Row]:
    """Subject code to its row of the CSV; of two generations the later adds to the earlier."""
    rows, rejected = read_tables(root, CODE_COLUMN, REQUIRED_COLUMNS)
    if not rows:
        received = "; ".join(table.problem for table in rejected) or "no CSV file with a row"
        raise CmrtfError(
            f"{root}: expected the M&Ms CSV (its name ends in _opendataset.csv) with the columns "
            f"{', '.join(REQUIRED_COLUMNS)}. Received: {received}."
        )
    return rows


def write_cine(
    root: Path,
    code: str,
    image: NDArray[Any],
    label_ids: NDArray[np.uint8],
    affine: NDArray[np.float64],
    frame_s: float,
) -> None:
    """Write both files of a subject: `root/<CODE>/<CODE>_sa.nii.gz` and `_sa_gt.nii.gz`.

    Args:
        root: folder of the cohort.
        code: of the subject.
        image: `(x, y, z, t)`.
        label_ids: `(x, y, z, t)` in the project's order, which is that of M&Ms.
        affine: of both, `(4, 4)`, voxel index to scanner millimetres.
        frame_s: time from frame to frame.
    """
    (root / code).mkdir(exist_ok=True)
    for path, data in zip(_subject_files(root, code), (image, label_ids), strict=True):
        write_nifti(path, data, affine, frame_s)


def write_table(root: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write the CSV.

    Args:
        root: folder of the cohort.
        rows: by `CSV_COLUMNS` but for the running number; what is missing stays blank.
    """
    with new_file(root / CSV_NAME) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, CSV_COLUMNS)
        table.writeheader()
        for index, row in enumerate(rows):
            table.writerow({"": index} | {name: cell(value) for name, value in row.items()})


def _write_subject(root: Path, subject: Subject) -> None:
    phases = tuple(subject.stacks[phase] for phase in PHASES)
    cine = subject.cine or Cine(phases, PHASES.index("ES"), GENERATED_FRAME_S)
    (root / subject.name).mkdir(exist_ok=True)
    cine.write(*_subject_files(root, subject.name))


def _read_subject(root: Path, name: str, window: tuple[float, float]) -> dict[str, Stack]:
    return _read_cine(root, name, window, PHASES.index("ES"), GENERATED_FRAME_S).stacks


def _read_cine(root: Path, name: str, window: tuple[float, float], es_frame: int, frame_s: float) -> Cine:
    files = _subject_files(root, name)
    image, labels = map(read_nifti, files)
    if image.data.ndim != 4 or image.data.shape != labels.data.shape or image.data.shape[3] <= es_frame:
        raise FileError(
            files[0],
            f"expected a cine of {es_frame + 1} frames or more, and labels of all of them. "
            f"Received: shapes {image.data.shape} and {labels.data.shape}.",
        )
    frames = tuple(
        stack_of_files(image.data[..., frame], labels.data[..., frame], image.affine, window)
        for frame in range(image.data.shape[-1])
    )
    return Cine(frames, es_frame, frame_s)


def _subject_files(root: Path, code: str) -> tuple[Path, Path]:
    """Image and labels of a subject."""
    return root / code / f"{code}_sa.nii.gz", root / code / f"{code}_sa_gt.nii.gz"


def _complete(root: Path, provenances: Iterable[Mapping[str, Any]]) -> None:
    write_table(
        root,
        (
            {
                CODE_COLUMN: subject["subject"],
                "VendorName": VENDOR_NAMES.get(subject["vendor"], ""),
                "Vendor": subject["vendor"],
                "Centre": subject["centre"],
                "ED": PHASES.index("ED"),
                "ES": subject.get("es_frame") or PHASES.index("ES"),
                "Pathology": subject["pathology"],
            }
            for subject in provenances
        ),
    )


LAYOUT = Layout(NAME, _write_subject, _read_subject, _complete, read_cine=_read_cine)
