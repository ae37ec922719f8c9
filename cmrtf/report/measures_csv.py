"""`measures.csv`: what each subject measures, a line each; `cine.csv`: what each frame of a beat measures."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cmrtf.core.measures import MYOCARDIAL_DENSITY_G_PER_ML
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


def write_cine_measures(path: Path, subjects: Sequence[Subject]) -> None:
    """Write `cine.csv`, a line per frame of each subject that beats; no file where none does.

    Volumes are by slice summation, in ml, the mass in g; a blank means that the source does not label it.

    Args:
        path: of the file.
        subjects: as `in_order` gives them.
    """
    beating = [(subject.id, subject.cine) for subject in subjects if subject.cine]
    if not beating:
        return
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("subject", "frame", "phase", "time_s", "LV_ml", "RV_ml", "MYO_mass_g"))
        for name, cine in beating:
            volumes = [cine.volumes_ml(structure) for structure in ("LV", "RV", "MYO")]
            for frame, (lv, rv, myo) in enumerate(zip(*volumes, strict=True)):
                phase = {0: "ED", cine.es_frame: "ES"}.get(frame, "")
                values = (lv, rv, myo * MYOCARDIAL_DENSITY_G_PER_ML)
                cells = ["" if np.isnan(value) else _cell(value) for value in values]
                writer.writerow((name, frame, phase, f"{frame * cine.frame_s:.3f}", *cells))


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
