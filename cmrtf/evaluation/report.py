"""`evaluation.json` and `report.html`: all sections as data, and as one page of tables and plots."""

import base64
import html
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from cmrtf.evaluation.section import Section, Table
from cmrtf.metrics.bootstrap import Estimate

COLOURS = ("#d55e00", "#b59a00", "#0072b2", "#009e73", "#cc79a7", "#444444", "#56b4e9", "#000000")

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; }
body { color: #1f2933; }
h1 { margin-bottom: 0; } h2 { margin-top: 3rem; border-top: 1px solid #cbd2d9; padding-top: 1rem; }
h3 { margin-bottom: .3rem; } table { border-collapse: collapse; margin: .5rem 0; }
th, td { text-align: right; padding: .2rem .7rem; border-bottom: 1px solid #e4e7eb; }
th:first-child, td:first-child { text-align: left; } small, .note { color: #52606d; } img { max-width: 100%; }
"""


def write_evaluation(folder: Path, sections: Sequence[Section], facts: Mapping[str, Any]) -> None:
    """Write both files into an existing folder.

    Args:
        folder: where they go.
        sections: in the order of the report.
        facts: what was evaluated, on what, with which settings.
    """
    data = {
        **facts,
        "sections": {
            section.key: {"title": section.title, "tables": [table.to_dict() for table in section.tables]}
            for section in sections
        },
    }
    (folder / "evaluation.json").write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
    (folder / "report.html").write_text(render(sections, facts), encoding="utf-8")


def render(sections: Sequence[Section], facts: Mapping[str, Any]) -> str:
    """The page, without any outside reference."""
    listed = "".join(
        f"<tr><td>{html.escape(key)}</td><td>{html.escape(str(value))}</td></tr>"
        for key, value in facts.items()
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>cmrtf evaluation</title>'
        f"<style>{STYLE}</style><h1>Evaluation</h1>"
        "<p class=note>Means, with 95 % bootstrap intervals over subjects where nothing else is said; "
        "n is the number of values. "
        f"For research only, not for diagnosis.</p><table>{listed}</table>"
        f"{''.join(_section(section) for section in sections)}</html>\n"
    )


def _section(section: Section) -> str:
    pictures = "".join(
        f"<h3>{html.escape(caption)}</h3><img alt='{html.escape(caption)}' src='{_embedded(png)}'>"
        for caption, png in section.pictures.items()
    )
    return (
        f"<h2>{html.escape(section.title)}</h2><p>{html.escape(section.question)}</p>"
        f"{''.join(_table(table) for table in section.tables if table.rows)}{pictures}"
    )


def _table(table: Table) -> str:
    unit = f" <small>({html.escape(table.unit)})</small>" if table.unit else ""
    header = "".join(f"<th>{html.escape(column)}</th>" for column in table.columns)
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td>"
        + "".join(f"<td>{_cell(row[column]) if column in row else ''}</td>" for column in table.columns)
        + "</tr>"
        for name, row in table.rows.items()
    )
    plot = _embedded(_plot(table))
    return (
        f"<h3>{html.escape(table.title)}{unit}</h3><img alt='' src='{plot}'>"
        f"<table><tr><th></th>{header}</tr>{rows}</table><p class=note>{html.escape(table.note)}</p>"
    )


def _cell(estimate: Estimate) -> str:
    if estimate.mean != estimate.mean:
        return f"none <small>n={estimate.n}</small>"
    interval = (
        ""
        if estimate.low != estimate.low
        else f" <small>[{_number(estimate.low)}, {_number(estimate.high)}]</small>"
    )
    return f"{_number(estimate.mean)}{interval} <small>n={estimate.n}</small>"


def _number(value: float) -> str:
    """Three digits that mean something."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _plot(table: Table) -> bytes:
    """Dots with intervals, a line per row, a colour per column."""
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
    return stream.getvalue()


def _dot(axes: Any, estimate: Estimate, place: float, number: int) -> None:
    colour = COLOURS[number % len(COLOURS)]
    axes.plot(estimate.mean, place, "o", color=colour, markersize=4)
    if estimate.low == estimate.low:
        axes.plot([estimate.low, estimate.high], [place, place], "-", color=colour, linewidth=1.5)


def _embedded(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
