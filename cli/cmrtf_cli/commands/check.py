"""`cmrtf check`: what is there, and what is wrong with it, before hours are spent on it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cmrtf_cli import options

if TYPE_CHECKING:
    from cmrtf.core.issues import Issue
    from cmrtf.quality.inspection import Inspection


@click.command("check", epilog="Example: cmrtf check OpenDataset/ --json")
@click.argument("raw", type=click.Path(path_type=Path))
@options.data_format
@click.option("--json", "as_json", is_flag=True, help="Print the same as JSON.")
def command(raw: Path, data_format: str, as_json: bool) -> None:
    """Read all of RAW and say what is there and what is wrong with it, file by file; nothing is written.

    An error is what prepare would refuse; a warning is what it would use as it is, or repair, as the
    text says. Exit code 1 when there is an error.
    """
    from cmrtf.core.issues import errors
    from cmrtf.quality.inspection import inspect_raw

    inspection = inspect_raw(raw, data_format, progress=not as_json)
    click.echo(_as_json(inspection) if as_json else _as_text(inspection))
    if errors(inspection.issues):
        sys.exit(1)


def _as_json(inspection: Inspection) -> str:
    issues = [
        {
            "level": each.level,
            "subject": each.subject,
            "file": _name(each, inspection.root),
            "problem": each.problem,
        }
        for each in inspection.issues
    ]
    skipped = [{"subject": each.subject, "reason": each.reason} for each in inspection.skipped]
    return json.dumps({"summary": inspection.summary(), "skipped": skipped, "findings": issues}, indent=1)


def _as_text(inspection: Inspection) -> str:
    """A table of issues, and what is there."""
    from cmrtf.core.issues import errors

    names = [_name(each, inspection.root) for each in inspection.issues]
    width = max(map(len, names), default=0)
    lines = [
        f"{each.level:7}  {name:{width}}  {each.problem.removesuffix('.')}"
        for each, name in zip(inspection.issues, names, strict=True)
    ]
    num_errors = len(errors(inspection.issues))
    lines += [""] if lines else []
    lines += [f"{title:10} {text}" for title, text in _summary_lines(inspection.summary())]
    lines.append(f"Errors: {num_errors}. Warnings: {len(inspection.issues) - num_errors}.")
    return "\n".join(lines)


def _summary_lines(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """What is there, as title and text."""

    def counts(key: str) -> str:
        return ", ".join(f"{name} {count}" for name, count in summary[key].items()) or "none"

    def span(key: str) -> str:
        return " to ".join(f"{value:g}" for value in summary[key]) or "none"

    return [
        ("format", summary["format"]),
        ("subjects", f"{summary['usable']} of {summary['subjects']} can be used"),
        ("skipped", counts("skipped")),
        ("vendors", counts("vendors")),
        ("pathology", counts("pathologies")),
        ("phases", counts("phases")),
        ("pixels", f"{span('pixel_mm')} mm"),
        ("slices", f"{span('slices')}, {span('slice_spacing_mm')} mm apart"),
    ]


def _name(issue: Issue, root: Path) -> str:
    """A file as seen from the data set's folder."""
    return str(issue.file.relative_to(root) if issue.file.is_relative_to(root) else issue.file)
