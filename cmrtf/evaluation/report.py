"""`evaluation.json` and `report.html`: all sections as data, and as one page of tables and plots."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from matplotlib.ticker import MaxNLocator

from cmrtf.core.display import png_address
from cmrtf.core.files import new_folder, write_json
from cmrtf.core.labels import SCHEMA
from cmrtf.evaluation.section import Section, Table
from cmrtf.report.templating import render_template

NUM_COLOURS: Final = 5
"""`evaluation.html` has so many for columns that are no structures."""


@dataclass(frozen=True)
class Axis:
    """Where values lie in a plot.

    Args:
        ticks: from the left end to the right one.
    """

    ticks: tuple[float, ...]

    def percent(self, value: float) -> float:
        """How far to the right a value lies."""
        low, high = self.ticks[0], self.ticks[-1]
        return round(100.0 * (value - low) / (high - low), 2)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All sections of an evaluation, as data and as one page of tables and plots.

    Args:
        sections: in the order of the report.
        facts: what was evaluated, on what, with which settings.
        title: of the page.
        lede: how to read it.
    """

    sections: Sequence[Section]
    facts: Mapping[str, Any]
    title: str = "Evaluation"
    lede: str = (
        "Means, with 95 % bootstrap intervals over subjects where nothing else is said; n is the number of "
        "values."
    )

    def save(self, out: Path | str) -> None:
        """Write `evaluation.json` and `report.html`.

        Args:
            out: a folder that does not exist yet or is empty.

        Raises:
            CmrtfError: it is taken, or cannot be written.
        """
        with new_folder(Path(out)) as folder:
            write_json(folder / "evaluation.json", self.to_dict())
            (folder / "report.html").write_text(self.to_html(), encoding="utf-8")

    def to_dict(self) -> dict[str, Any]:
        """Plain form for JSON."""
        return {
            **self.facts,
            "sections": {
                section.key: {"title": section.title, "tables": [table.to_dict() for table in section.tables]}
                for section in self.sections
            },
        }

    def to_html(self) -> str:
        """The page, without any outside reference."""
        return self._render("evaluation.html", with_plots=True)

    def __repr__(self) -> str:
        return f"Evaluation({', '.join(section.title for section in self.sections)})"

    def _repr_html_(self) -> str:
        """What a notebook shows: the tables without the page's style, which would be the notebook's too."""
        return self._render("evaluation_body.html", with_plots=False)

    def _render(self, template: str, with_plots: bool) -> str:
        return render_template(
            template,
            sections=self.sections,
            facts=self.facts,
            title=self.title,
            lede=self.lede,
            with_plots=with_plots,
            number=_number,
            axis=_axis,
            colours=_colours,
            png_address=png_address,
        )


def _number(value: float) -> str:
    """Three digits that mean something."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _axis(table: Table) -> Axis:
    values = [
        value
        for row in table.rows.values()
        for estimate in row.values()
        for value in (estimate.mean, estimate.low, estimate.high)
        if math.isfinite(value)
    ]
    ticks = MaxNLocator(nbins=4, steps=[1, 2, 5, 10], min_n_ticks=2).tick_values(
        min(values, default=0.0), max(values, default=1.0)
    )
    return Axis(tuple(float(tick) for tick in ticks))


def _colours(columns: Sequence[str]) -> dict[str, str]:
    """Classes of the page's style: a column's structure, hollow after another column of it, or a number."""
    classes: dict[str, str] = {}
    for number, column in enumerate(columns):
        structure = column.split("_")[0]
        name = structure if structure in SCHEMA.foreground else f"colour-{number % NUM_COLOURS}"
        classes[column] = f"{name} hollow" if name in classes.values() else name
    return classes
