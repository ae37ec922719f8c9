"""Reads M&Ms (Campello et al., IEEE TMI 2021): 4D cines, labels at ED and ES, one CSV.

Accepted are the official tree `Training/{Labeled,Unlabeled}`, `Validation`, `Testing`, trees without
those folders, and flat ones: a subject is wherever `<CODE>_sa.nii.gz` is, with `<CODE>_sa_gt.nii.gz`
beside it. Both generations of the CSV are read by header name; frames in it count from 0.
"""

import csv
from collections.abc import Mapping
from pathlib import Path

from cmrtf.data.file_search import visible_files
from cmrtf.data.nifti import read_nifti
from cmrtf.data.raw_subject import PhaseFiles, RawCohort, RawSubject, Reader, SkippedSubject
from cmrtf.errors import CmrtfError

NAME = "mnms"
IMAGE_SUFFIX = "_sa.nii.gz"
LABEL_SUFFIX = "_sa_gt.nii.gz"
CODE_COLUMN = "External code"
REQUIRED_COLUMNS = (CODE_COLUMN, "Vendor", "ED", "ES")


def read(root: Path) -> RawCohort:
    """All M&Ms subjects under a folder.

    Raises:
        CmrtfError: there is no CSV with the columns that are needed.
    """
    rows = _read_information(root)
    subjects: list[RawSubject] = []
    skipped: list[SkippedSubject] = []
    problems: list[str] = []
    for code, folders in sorted(_subject_folders(root).items()):
        try:
            if len(folders) > 1:
                raise CmrtfError(f"{folders[0]}: expected subject {code} once. Received: also {folders[1]}.")
            if _is_unlabelled(root, code, folders[0], rows):
                skipped.append(SkippedSubject(code, "unlabelled part of the data set"))
            else:
                subjects.append(_subject(code, folders[0], rows))
        except CmrtfError as error:
            problems.append(str(error))
    return RawCohort(NAME, tuple(subjects), tuple(skipped), tuple(problems))


def recognises(root: Path) -> bool:
    """Whether there is any M&Ms image or label under a folder."""
    return any(path.name.endswith((IMAGE_SUFFIX, LABEL_SUFFIX)) for path in visible_files(root))


READER = Reader(NAME, f"<CODE>{IMAGE_SUFFIX} with <CODE>{LABEL_SUFFIX} and the M&Ms CSV", recognises, read)


def _subject_folders(root: Path) -> dict[str, list[Path]]:
    """Subject code to the folders that hold its image or label."""
    folders: dict[str, list[Path]] = {}
    for path in visible_files(root):
        code = path.name.removesuffix(IMAGE_SUFFIX).removesuffix(LABEL_SUFFIX)
        if code != path.name and path.parent not in folders.setdefault(code, []):
            folders[code].append(path.parent)
    return folders


def _is_unlabelled(root: Path, code: str, folder: Path, rows: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether the data set gives no labels for a subject.

    `Unlabeled` says so by name (and may hold empty label files). In trees without that folder it is
    the training subjects of vendor C, whose label file is missing or empty.
    """
    parts = {part.lower() for part in (root.resolve().name, *folder.relative_to(root).parts)}
    if "unlabeled" in parts:
        return True
    if "training" not in parts or rows.get(code, {}).get("Vendor") != "C":
        return False
    label = folder / f"{code}{LABEL_SUFFIX}"
    return not label.is_file() or not read_nifti(label).data.any()


def _subject(code: str, folder: Path, rows: dict[str, dict[str, str]]) -> RawSubject:
    """One subject from its folder and its row of the CSV."""
    image, label = folder / f"{code}{IMAGE_SUFFIX}", folder / f"{code}{LABEL_SUFFIX}"
    if not image.is_file():
        raise CmrtfError(
            f"{label}: expected the image {image.name} beside it. Received: a label without image."
        )
    if not label.is_file():
        raise CmrtfError(
            f"{image}: expected the label {label.name} beside it. Received: an image without label "
            f"(subjects that have none belong in a folder named Unlabeled, which is skipped)."
        )
    if code not in rows:
        raise CmrtfError(f"{image}: expected a row {CODE_COLUMN} = {code} in the M&Ms CSV. Received: none.")
    row = rows[code]
    phases = {
        phase: PhaseFiles(image, label, _frame(row, phase, code), is_cine=True) for phase in ("ED", "ES")
    }
    return RawSubject(code, row["Vendor"], row.get("Pathology", ""), phases)


def _frame(row: dict[str, str], phase: str, code: str) -> int:
    """A 0-based frame number; spreadsheet programs make 9 into 9.0."""
    try:
        frame = float(row[phase])
        if frame.is_integer() and frame >= 0:
            return int(frame)
    except ValueError:
        pass
    raise CmrtfError(
        f"{row['file']}: expected the {phase} frame of {code}, counted from 0. Received: {row[phase]!r}."
    )


def _read_information(root: Path) -> dict[str, dict[str, str]]:
    """Subject code to its row of the CSV; of two generations the later adds to the earlier."""
    rows: dict[str, dict[str, str]] = {}
    missing: dict[str, list[str]] = {}
    for table in _tables(root):
        columns, table_rows = _read_csv(table)
        missing[table.name] = [name for name in REQUIRED_COLUMNS if name not in columns]
        if missing[table.name]:
            continue
        for row in table_rows:
            known = rows.setdefault(row[CODE_COLUMN], dict.fromkeys(REQUIRED_COLUMNS, ""))
            known.update({name: text for name, text in row.items() if text}, file=str(table))
    if all(missing.values()):
        received = "; ".join(f"{name} without {', '.join(columns)}" for name, columns in missing.items())
        raise CmrtfError(
            f"{root}: expected the M&Ms CSV (its name ends in _opendataset.csv) with the columns "
            f"{', '.join(REQUIRED_COLUMNS)}. Received: {received or 'no CSV file'}."
        )
    return rows


def _tables(root: Path) -> list[Path]:
    """CSV files by name, older generation first.

    They lie at the top of the official tree, so above `Training` and `Training/Labeled`.
    """
    above, far_above = root.resolve().parents[:2]
    for files in (visible_files(root), above.iterdir(), far_above.iterdir()):
        if tables := [path for path in files if path.suffix == ".csv"]:
            return sorted(tables, key=lambda path: path.name)
    return []


def _read_csv(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Column names and rows of a CSV, both stripped of blanks."""
    try:
        # Spreadsheet programs put a byte-order mark in front of the first column's name.
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            header, *lines = csv.reader(file)
    except (OSError, csv.Error, ValueError) as error:
        raise CmrtfError(f"{path}: expected a CSV with a header line. Received: {error}.") from error
    columns = [name.strip() for name in header]
    return columns, [
        dict(zip(columns, (text.strip() for text in line), strict=False)) for line in lines if line
    ]
