"""Reads M&Ms-2 (Martin-Isla et al., IEEE JBHI 2023), its short axis: one file per labelled frame.

`dataset/NNN/` holds `NNN_SA_ED.nii.gz`, `NNN_SA_ED_gt.nii.gz` and the same for ES; long axes (`LA`) and
cines are passed over. `dataset_information.csv` beside `dataset` has vendor and disease. Labels are
those of M&Ms. Nothing says which frames of the cines ED and ES are.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from cmrtf.core.files import is_file
from cmrtf.core.issues import WARNING, Issue
from cmrtf.core.labels import PHASES
from cmrtf.datasets.base import (
    PhaseFiles,
    RawCohort,
    RawSubject,
    Reader,
    SkippedSubject,
    gather,
    require_partner,
    subject_folders,
    visible_files,
    volume_file,
)
from cmrtf.datasets.tables import Row, known_pathology, known_vendor, read_tables, tables_at_or_above

NAME = "mnms2"
FILE_NAME = re.compile(r"(?P<code>\d{1,6})_SA_E[DS](_gt)?\.nii(\.gz)?")
CODE_COLUMN, VENDOR_COLUMN, DISEASE_COLUMN = "SUBJECT_CODE", "VENDOR", "DISEASE"
VENDOR_LETTERS = {"siemens": "A", "philips": "B", "ge": "C", "general": "C", "canon": "D", "toshiba": "D"}
"""First word of a manufacturer's name to its letter in M&Ms; Canon bought Toshiba's scanners."""


def read(root: Path) -> RawCohort:
    """All M&Ms-2 subjects under a folder; without its CSV vendors are unknown."""
    rows, _ = read_tables(tables_at_or_above(root), CODE_COLUMN, (CODE_COLUMN, VENDOR_COLUMN))
    # Spreadsheet programs make 007 into 7.
    by_number = {int(code): row for code, row in rows.items() if re.fullmatch(r"\d{1,6}", code)}

    def read_one(code: str, folder: Path) -> RawSubject | SkippedSubject:
        return _read_one(code, folder, by_number)

    return gather(NAME, subject_folders(root, FILE_NAME), read_one)


def recognises(root: Path) -> bool:
    """Whether there is any short-axis file of M&Ms-2 under a folder."""
    return any(FILE_NAME.fullmatch(path.name) for path in visible_files(root))


READER = Reader(NAME, "NNN_SA_ED.nii.gz with NNN_SA_ED_gt.nii.gz, likewise ES", recognises, read)


def _read_one(code: str, folder: Path, rows: Mapping[int, Row]) -> RawSubject | SkippedSubject:
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
    if not any(is_file(files.label) for files in phases.values()):
        return SkippedSubject(code, "no labels")
    for files in phases.values():
        require_partner(files.image, files.label)
    row = rows.get(int(code))
    if row is None:
        problem = "expected a row for the subject in dataset_information.csv; vendor and disease are unknown"
        return RawSubject(code, "", "", phases, issues=(Issue(WARNING, phases["ED"].image, problem),))
    words = re.split(r"\W+", row[VENDOR_COLUMN].lower())
    vendor, issues = known_vendor(VENDOR_LETTERS.get(words[0], row[VENDOR_COLUMN]), row.table)
    return RawSubject(code, vendor, known_pathology(row.get(DISEASE_COLUMN, "")), phases, issues=issues)
