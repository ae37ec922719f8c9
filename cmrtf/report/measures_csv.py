"""`measures.csv`: what each subject measures, one line per subject."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cmrtf.core.stack import CENTRE_TO_CENTRE
from cmrtf.core.subject import Subject


def write_measures(path: Path, subjects: Sequence[Subject]) -> None:
    """Write `measures.csv`, a line per subject.

    After name, kind, weight, number of slices and slice spacing come the `MEASURES` by slice
    summation, then the same centre to centre (`LV_EDV_centre_to_centre_ml`). A blank means that the
    phase is absent.

    Args:
        path: of the file.
        subjects: as `in_order` gives them.
    """
    with path.open("w", newline="", encoding="utf-8") as stream:
        lines = [_line(subject) for subject in subjects]
        writer = csv.DictWriter(stream, fieldnames=list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def _line(subject: Subject) -> dict[str, Any]:
    stack = next(iter(subject.stacks.values()))
    line: dict[str, Any] = {
        "subject": subject.id,
        "kind": subject.kind,
        "weight": f"{subject.weight:.4f}",
        "slices": stack.num_slices,
        "slice_spacing_mm": f"{stack.slice_spacing_mm:.4f}",
    }
    for name, value in subject.measures().items():
        line[name] = _cell(value)
    for name, value in subject.measures(CENTRE_TO_CENTRE).items():
        quantity, unit = name.rsplit("_", 1)
        line[f"{quantity}_{CENTRE_TO_CENTRE}_{unit}"] = _cell(value)
    return line


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
