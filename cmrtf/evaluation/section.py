"""Section and table of an evaluation: estimates, to be read as numbers and as a plot."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cmrtf.metrics.bootstrap import Estimate


@dataclass(frozen=True)
class Table:
    """One measure of several things.

    Args:
        title: what is measured.
        unit: of all values; empty for ratios and counts.
        rows: name of a row to its estimates by column.
        note: how to read it: definition, what is better, what to compare with.
    """

    title: str
    unit: str
    rows: dict[str, dict[str, Estimate]]
    note: str = ""

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in the order of the rows' first mention."""
        return list(dict.fromkeys(column for row in self.rows.values() for column in row))

    def to_dict(self) -> dict[str, Any]:
        """Plain form for JSON; what is not a number is null."""
        rows = {
            name: {column: _plain(estimate) for column, estimate in row.items()}
            for name, row in self.rows.items()
        }
        return {"title": self.title, "unit": self.unit, "note": self.note, "rows": rows}


@dataclass(frozen=True)
class Headline:
    """The figures of a section that stand in the summary.

    Args:
        table: title of the table that they are in.
        row: of that table.
        compared_with: the row to read them beside; empty where the table's note says what is good.
    """

    table: str
    row: str
    compared_with: str = ""


@dataclass(frozen=True)
class Section:
    """One question and what answers it.

    Args:
        key: its name in the JSON file.
        title: its heading.
        question: what a reader wants to know.
        tables: the answer.
        headline: the figures that answer it in short.
        pictures: PNG files by caption.
        answer: in sentences, where tables alone would have to be read.
    """

    key: str
    title: str
    question: str
    tables: list[Table]
    headline: Headline | None = None
    pictures: dict[str, bytes] = field(default_factory=dict)
    answer: Sequence[str] = ()

    @property
    def headline_table(self) -> Table | None:
        """The headline's rows, as a table; None where they were not measured."""
        if self.headline is None:
            return None
        (table,) = (table for table in self.tables if table.title == self.headline.table)
        names = (self.headline.row, self.headline.compared_with)
        rows = {name: table.rows[name] for name in names if name in table.rows}
        return replace(table, rows=rows) if rows else None


def single(value: float, n: int) -> Estimate:
    """A value that has no interval, such as a count or a distance of two sets."""
    return Estimate(value, float("nan"), float("nan"), n)


def _plain(estimate: Estimate) -> dict[str, float | int | None]:
    values = {"mean": estimate.mean, "low": estimate.low, "high": estimate.high}
    return {**{key: value if value == value else None for key, value in values.items()}, "n": estimate.n}
