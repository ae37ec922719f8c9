"""Reads the CSV files that come with data sets, by header name, and what their cells say of a subject.

No cell is carried over as it is: free text may name a patient.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cmrtf.core.files import read_plain_file, real_path
from cmrtf.core.issues import WARNING, Issue
from cmrtf.core.labels import VENDORS
from cmrtf.datasets.raw_files import visible_files
from cmrtf.errors import FileError

VENDOR_LETTERS: Final = {
    **{"siemens": "A", "philips": "B", "ge": "C", "general": "C"},
    **{"canon": "D", "toshiba": "D"},
}
"""First word of a manufacturer's name to its letter in M&Ms; Canon bought Toshiba's scanners."""

ABBREVIATION = re.compile(r"[A-Za-z0-9-]{1,8}")

DELIMITERS: Final = ",;\t"
"""What spreadsheet programs put between cells; which one depends on the language they speak."""

SEPARATOR_LINE = re.compile(r"\Asep=.[\r\n]+")
"""With it a table tells spreadsheet programs its delimiter."""

UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")

MAX_TABLE_BYTES: Final = 2**26
"""Some hundred thousand subjects."""

LEVELS_ABOVE: Final = 2
"""A table lies at the top of a published tree, so above `Training` and `Training/Labeled`."""


class Row(dict[str, str]):
    """Column name to text, both without blanks around them.

    Args:
        table: the file that the row was read from.
        problem: why the row cannot be believed, or `""`.
        issues: what to warn of.
    """

    def __init__(
        self, columns: dict[str, str], table: Path, problem: str = "", issues: tuple[Issue, ...] = ()
    ) -> None:
        super().__init__(columns)
        self.table = table
        self.problem = problem
        self.issues = issues

    def require_sound(self) -> None:
        """Check that the row can be believed.

        Raises:
            FileError: there are several for the subject, or it has more cells than the table has columns.
        """
        if self.problem:
            raise FileError(self.table, self.problem)


@dataclass(frozen=True)
class Rejected:
    """A CSV file that is not the table that was looked for.

    Args:
        problem: what is wrong with it, beginning with its name.
        is_foreign: whether it has no column of that table, so that it belongs to something else.
    """

    problem: str
    is_foreign: bool


@dataclass(frozen=True)
class _Table:
    """A CSV file, its cells without blanks around them.

    Args:
        file: where it was read.
        columns: its header.
        lines: number of each line, counted from 1, and its cells.
    """

    file: Path
    columns: tuple[str, ...]
    lines: tuple[tuple[int, tuple[str, ...]], ...]


def read_tables(
    root: Path, key: str, required: Sequence[str], code_of: Callable[[str], str] = str
) -> tuple[dict[str, Row], list[Rejected]]:
    """Rows by their key, of the tables below a folder, or else of those above it.

    Of several tables, in order of their names, each adds to those before it and wins where they differ.

    Args:
        root: the data set's folder.
        key: the column that tells rows apart.
        required: columns that a table must have to be read; they are there in every row.
        code_of: the subject's code of what stands in the column `key`.

    Returns:
        key to row, and the other CSV files that were met on the way.

    Raises:
        FileError: a CSV file below the folder cannot be read.
    """
    rejected: list[Rejected] = []
    for level, files in enumerate(_levels(root)):
        rows: dict[str, Row] = {}
        for file in sorted((path for path in files if path.suffix.lower() == ".csv"), key=_name):
            try:
                table = _read_csv(file, required)
            except FileError as error:
                if level == 0:
                    raise
                rejected.append(Rejected(f"{file.name}: {error.problem}", is_foreign=False))
                continue
            if missing := [name for name in required if name not in table.columns]:
                problem = f"{file.name} without {', '.join(missing)}"
                rejected.append(Rejected(problem, _is_foreign(table, key, required)))
                continue
            for code, row in _rows(table, key, required, code_of).items():
                rows[code] = _added(rows[code], row, required) if code in rows else row
        if rows:
            return rows, rejected
    return {}, rejected


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


def vendor_letter(name: str) -> str:
    """The letter of the one manufacturer whose name is in a text, or `""`."""
    letters = {VENDOR_LETTERS[word] for word in re.split(r"\W+", name.lower()) if word in VENDOR_LETTERS}
    return letters.pop() if len(letters) == 1 else ""


def known_pathology(text: str) -> str:
    """An abbreviation as it is; anything longer may name a patient and becomes `""`."""
    return text if ABBREVIATION.fullmatch(text) else ""


def known_centre(text: str) -> str:
    """A number or an abbreviation as it is; anything longer becomes `""`, as with pathologies.

    Spreadsheet programs make 1 into 1.0.
    """
    return known_pathology(re.sub(r"[.,]0*$", "", text))


def _name(path: Path) -> str:
    return path.name


def _levels(root: Path) -> Iterator[Iterable[Path]]:
    """Files below a folder, and in the folders above it that can be read."""
    yield visible_files(root)
    for folder in real_path(root).parents[:LEVELS_ABOVE]:
        try:
            yield [path for path in folder.iterdir() if not path.name.startswith(".")]
        except OSError:
            continue


def _is_foreign(table: _Table, key: str, required: Sequence[str]) -> bool:
    """Whether a table has nothing of the columns that are looked for, nor the key under a similar name."""
    header = " ".join(table.columns)
    return bool(header) and key.casefold() not in header.casefold() and not set(required) & set(table.columns)


def _rows(table: _Table, key: str, required: Sequence[str], code_of: Callable[[str], str]) -> dict[str, Row]:
    """A table's rows by the code of their subject."""
    rows: dict[str, Row] = {}
    first_lines: dict[str, int] = {}
    for number, cells in table.lines:
        texts = dict(zip(table.columns, cells, strict=False))
        code = code_of(texts.get(key, ""))
        if not code:
            continue
        problem = ""
        if any(cells[len(table.columns) :]):
            problem = f"expected {len(table.columns)} cells in line {number}. Received: {len(cells)}."
        columns = [name for name in table.columns if name != key]  # 7 and 007 are one code
        if code in rows and _differ(rows[code], texts, columns):
            lines = f"lines {first_lines[code]} and {number}, which differ"
            problem = f"expected one line for subject {code}. Received: {lines}."
        first_lines.setdefault(code, number)
        filled = {name: text for name, text in texts.items() if text}
        rows[code] = Row({**dict.fromkeys(required, ""), **rows.get(code, {}), **filled}, table.file, problem)
    return rows


def _added(before: Row, row: Row, required: Sequence[str]) -> Row:
    """A row of a later table added to that of an earlier one."""
    filled = {name: text for name, text in row.items() if text}
    issues = before.issues
    if differing := _differ(before, row, required):
        columns = ", ".join(differing)
        problem = f"expected the tables to agree on {columns} of the subject; the later one is believed"
        issues = (*issues, Issue(WARNING, row.table, problem))
    return Row({**before, **filled}, row.table, row.problem or before.problem, issues)


def _differ(row: dict[str, str], other: dict[str, str], columns: Iterable[str]) -> list[str]:
    """Columns in which both have something else; those without a name are running numbers."""
    return [
        name for name in columns if name and row.get(name) and other.get(name) and row[name] != other[name]
    ]


def _read_csv(path: Path, required: Sequence[str]) -> _Table:
    """A CSV file, with the delimiter that gives most of the columns that are looked for.

    Raises:
        FileError: it is no file, too large, has a column twice, or its quotes do not close.
    """
    expected = "a CSV with a header line"
    content = read_plain_file(path, expected, MAX_TABLE_BYTES)
    # Spreadsheet programs put a byte-order mark in front of the first column's name.
    encoding = "utf-16" if content.startswith(UTF16_MARKS) else "utf-8-sig"
    text = SEPARATOR_LINE.sub("", content.decode(encoding, errors="replace").lstrip("\r\n"))
    headers = {delimiter: _header(text, delimiter) for delimiter in DELIMITERS}
    delimiter = max(headers, key=lambda delimiter: len(set(required) & set(headers[delimiter])))
    columns = headers[delimiter]
    if not set(required) <= set(columns):
        return _Table(path, columns, ())
    if twice := sorted({name for name in columns if name and columns.count(name) > 1}):
        raise FileError(path, f"expected each column once. Received: {', '.join(twice):.80} twice.")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        _, *lines = [(reader.line_num, tuple(map(str.strip, cells))) for cells in reader]
    except csv.Error as error:
        problem = f"expected {expected}. Received: {error}, in line {reader.line_num}."
        raise FileError(path, problem) from error
    return _Table(path, columns, tuple(lines))


def _header(text: str, delimiter: str) -> tuple[str, ...]:
    """The first line's cells; of what is no table it has none."""
    try:
        return tuple(map(str.strip, next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), ())))
    except csv.Error:
        return ()
