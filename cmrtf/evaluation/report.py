"""`evaluation.json` and `report.html`: all sections as data, and as one page of tables and plots."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cmrtf.core.display import png_address
from cmrtf.core.files import new_folder, write_json
from cmrtf.evaluation.section import Section, Table
from cmrtf.metrics.bootstrap import Estimate
from cmrtf.report.templating import render_template

COLOURS = ("#d55e00", "#b59a00", "#0072b2", "#009e73", "#cc79a7", "#444444", "#56b4e9", "#000000")


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All sections of an evaluation, as data and as one page of tables and plots.

    Args:
        sections: in the order of the report.
        facts: what was evaluated, on what, with which settings.
    """

    sections: Sequence[Section]
    facts: Mapping[str, Any]

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
        return self._render("evaluation.html")

    def __repr__(self) -> str:
        return f"Evaluation({', '.join(section.title for section in self.sections)})"

    def _repr_html_(self) -> str:
        """What a notebook shows: the page without its style, which would be the notebook's too."""
        return self._render("evaluation_body.html")

    def _render(self, template: str) -> str:
        return render_template(
            template,
            sections=self.sections,
            facts=self.facts,
            number=_number,
            plot=_plot,
            png_address=png_address,
        )


def _number(value: float) -> str:
    """Three digits that mean something."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


@matplotlib.style.context("default")  # not what a matplotlibrc says
def _plot(table: Table) -> str:
    """Dots with intervals, a line per row, a colour per column: the address of a PNG."""
    columns = table.columns
    height = 0.7 + 0.28 * len(table.rows) * max(1.0, 0.5 * len(columns))
    figure = Figure(figsize=(7.5, height), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(table.rows.values()):
        for number, column in enumerate(columns):
            if column in row and row[column].mean == row[column].mean:
                _dot(axes, row[column], place + 0.7 * ((number + 0.5) / len(columns) - 0.5), number)
    for number, column in enumerate(columns):
        axes.plot([], [], "o", color=COLOURS[number % len(COLOURS)], label=column)
    axes.set_yticks(range(len(table.rows)), list(table.rows))
    axes.set_ylim(len(table.rows) - 0.5, -0.5)
    axes.set_xlabel(table.unit)
    axes.grid(axis="x", alpha=0.3)
    if len(columns) > 1:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return png_address(stream.getvalue())


def _dot(axes: Axes, estimate: Estimate, place: float, number: int) -> None:
    colour = COLOURS[number % len(COLOURS)]
    axes.plot(estimate.mean, place, "o", color=colour, markersize=4)
    if estimate.low == estimate.low:
        axes.plot([estimate.low, estimate.high], [place, place], "-", color=colour, linewidth=1.5)
