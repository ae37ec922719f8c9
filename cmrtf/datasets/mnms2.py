"""Reads M&Ms-2 (Martin-Isla et al., IEEE JBHI 2023), its short axis: one file per labelled frame.

`dataset/NNN/` holds `NNN_SA_ED.nii.gz`, `NNN_SA_ED_gt.nii.gz` and the same for ES; long axes (`LA`) and
cines are passed over. `dataset_information.csv` beside `dataset` has vendor and disease. Labels are
those of M&Ms. Nothing says which frames of the cines ED and ES are.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from cmrtf.core.issues import WARNING, Issue
from cmrtf.core.labels import PHASES
from cmrtf.datasets.base import (
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
from cmrtf.datasets.tables import Row, known_pathology, known_vendor, read_tables, vendor_letter
from cmrtf.errors import CmrtfError

NAME = "mnms2"
FILE_NAME = re.compile(r"(?P<code>\d{1,6})_SA_E[DS](_gt)?\.nii(\.gz)?")
PASSED_OVER = re.compile(r"\d{1,6}_(SA_CINE|LA_(ED|ES|CINE))(_gt)?\.nii(\.gz)?")
CODE = re.compile(r"0*(\d{1,6})([.,]0*)?")
CODE_COLUMN, VENDOR_COLUMN, DISEASE_COLUMN = "SUBJECT_CODE", "VENDOR", "DISEASE"


def read(root: Path) -> RawCohort:
    """All M&Ms-2 subjects under a folder; without its CSV vendors are unknown.

    Raises:
        CmrtfError: there is a CSV with some of the columns that are needed.
    """
    columns = (CODE_COLUMN, VENDOR_COLUMN)
    rows, rejected = read_tables(root, CODE_COLUMN, columns, _number)
    if spoilt := [table.problem for table in rejected if not rows and not table.is_foreign]:
        raise CmrtfError(
            f"{root}: expected dataset_information.csv with the columns {', '.join(columns)}. "
            f"Received: {'; '.join(spoilt)}."
        )

    def read_one(code: str, folder: Path) -> RawSubject | SkippedSubject:
        return _read_one(code, folder, rows)

    strangers = stranger_issues(root, "NNN_SA_ED.nii.gz", _is_known)
    return gather(NAME, subject_folders(root, FILE_NAME), read_one, strangers)


def recognises(root: Path) -> bool:
    """Whether there is any short-axis file of M&Ms-2 under a folder."""
    return any(FILE_NAME.fullmatch(path.name) for path in visible_files(root))


READER = Reader(NAME, "NNN_SA_ED.nii.gz with NNN_SA_ED_gt.nii.gz, likewise ES", recognises, read)


def _is_known(path: Path) -> bool:
    """Whether a volume is one of M&Ms-2."""
    return bool(FILE_NAME.fullmatch(path.name) or PASSED_OVER.fullmatch(path.name))


def _number(text: str) -> str:
    """A subject's number without zeros in front and behind: spreadsheet programs make 007 into 7 or 7.0."""
    match = CODE.fullmatch(text)
    return match[1] if match else ""


def _read_one(code: str, folder: Path, rows: Mapping[str, Row]) -> RawSubject | SkippedSubject:
    """One subject from its folder and its row of the CSV."""
    phases = {
        phase: PhaseFiles(
            volume_file(folder, f"{code}_SA_{phase}"),
            volume_file(folder, f"{code}_SA_{phase}_gt"),
            frame=None,
            is_cine=False,
        )
        for phase in PHASES
    }
    if not any(is_there(files.label) for files in phases.values()):
        return SkippedSubject(code, "no labels")
    for files in phases.values():
        require_partner(files.image, files.label)
    row = rows.get(_number(code))
    if row is None:
        problem = "expected a row for the subject in dataset_information.csv; vendor and disease are unknown"
        return RawSubject(code, "", "", phases, issues=(Issue(WARNING, phases["ED"].image, problem),))
    row.require_sound()
    vendor, issues = known_vendor(vendor_letter(row[VENDOR_COLUMN]) or row[VENDOR_COLUMN], row.table)
    pathology = known_pathology(row.get(DISEASE_COLUMN, ""))
    return RawSubject(code, vendor, pathology, phases, issues=(*row.issues, *issues))
