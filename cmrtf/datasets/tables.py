"""Reads the CSV files that come with data sets, by header name, and what their cells say of a subject.

No cell is carried over as it is: free text may name a patient.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from cmrtf.core.issues import WARNING, Issue
from cmrtf.core.labels import VENDORS
from cmrtf.datasets.base import visible_files
from cmrtf.errors import CmrtfError

ABBREVIATION = re.compile(r"[A-Za-z0-9-]{1,8}")


class Row(dict[str, str]):
    """Column name to text, both without blanks around them.

    Args:
        table: the file that the row was read from.
    """

    def __init__(self, columns: dict[str, str], table: Path) -> None:
        super().__init__(columns)
        self.table = table


def read_tables(
    tables: Iterable[Path], key: str, required: Sequence[str]
) -> tuple[dict[str, Row], dict[str, list[str]]]:
    """Rows by their key; of several tables each adds to those before it.

    Args:
        tables: CSV files.
        key: the column that tells rows apart.
        required: columns that a table must have to be read; they are there in every row.

    Returns:
        key to row, and table name to the required columns that it lacks.

    Raises:
        CmrtfError: a file that is no CSV.
    """
    rows: dict[str, Row] = {}
    missing: dict[str, list[str]] = {}
    for table in tables:
        columns, lines = _read_csv(table)
        missing[table.name] = [name for name in required if name not in columns]
        if missing[table.name]:
            continue
        for line in lines:
            texts = dict(zip(columns, (text.strip() for text in line), strict=False))
            known: dict[str, str] = rows.get(texts.get(key, ""), Row({}, table))
            filled = {name: text for name, text in texts.items() if text}
            row = Row({**dict.fromkeys(required, ""), **known, **filled}, table)
            rows[row[key]] = row
    return rows, missing


def tables_at_or_above(root: Path) -> list[Path]:
    """CSV files by name, older generation of M&Ms first.

    They lie at the top of a published tree, so above `Training` and `Training/Labeled`.
    """
    for files in (visible_files(root), *(folder.iterdir() for folder in root.resolve().parents[:2])):
        if tables := [path for path in files if path.suffix == ".csv"]:
            return sorted(tables, key=lambda path: path.name)
    return []


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


def _read_csv(path: Path) -> tuple[list[str], list[list[str]]]:
    """Column names and lines of a CSV."""
    try:
        # Spreadsheet programs put a byte-order mark in front of the first column's name.
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            header, *lines = csv.reader(file)
    except (OSError, csv.Error, ValueError) as error:
        raise CmrtfError(f"{path}: expected a CSV with a header line. Received: {error}.") from error
    return [name.strip() for name in header], [line for line in lines if line]
