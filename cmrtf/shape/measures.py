"""Ventricular volumes, ejection fraction and myocardial mass from short-axis labels.

Two ways to turn slice areas into a volume, because a synthetic stack and its source differ in
slice thickness:

* **slice summation** (the clinical standard; Schulz-Menger et al., *Standardized image
  interpretation and post-processing in cardiovascular magnetic resonance: 2020 update*, JCMR 22:19):
  every slice counts with the full slice spacing, so the volume is the number of labelled voxels
  times the voxel volume;
* **centre to centre**: the same sum with the two end slices counted by half (trapezoid rule), the
  volume between the first and the last slice centre. It does not depend on how many slices fill
  that span. Ten slices of 10 mm count as 100 mm by slice summation, and their 32-slice version, 90 mm
  between the outer centres, as 93 mm: a source subject and its synthetic version compare
  centre to centre only.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.labels import PHASES, SCHEMA, LabelSchema
from cmrtf.core.preparation import SPACING_MM
from cmrtf.core.synthetic_subject import LabelledStack, SubjectRow

MYOCARDIAL_DENSITY_G_PER_ML: Final = 1.05
"""Density of myocardium (Schulz-Menger et al., JCMR 2020, 22:19)."""

SLICE_SUMMATION: Final = "slice_summation"
CENTRE_TO_CENTRE: Final = "centre_to_centre"

MEASURES: Final = (
    "LV_EDV_ml",
    "LV_ESV_ml",
    "LV_EF_percent",
    "MYO_mass_ED_g",
    "MYO_mass_ES_g",
    "RV_EDV_ml",
    "RV_ESV_ml",
    "RV_EF_percent",
)
"""What is measured of a subject; the unit is the last part of each name."""

VOLUMES = tuple(f"{structure}_{phase}" for phase in PHASES for structure in SCHEMA.foreground)
"""What a heart is measured by, in ml: `LV_ED`, `MYO_ED`, `RV_ED` and the same in ES."""

Measures = dict[str, float | None]
"""By the names in `MEASURES`; None where the phase that it needs is absent."""


def slice_areas_mm2(stack: LabelledStack, label_id: int) -> NDArray[np.float64]:
    """Area of one structure in each slice, `(slices,)`, apex first."""
    column, row = stack.affine[:3, 0], stack.affine[:3, 1]
    pixel_area_mm2 = float(np.linalg.norm(np.cross(column, row)))
    return np.count_nonzero(stack.label_ids == label_id, axis=(1, 2)) * pixel_area_mm2


def volume_ml(stack: LabelledStack, label_id: int, method: str = SLICE_SUMMATION) -> float:
    """Volume of one structure.

    Args:
        stack: one subject in one phase.
        label_id: the structure.
        method: `SLICE_SUMMATION` or `CENTRE_TO_CENTRE`.
    """
    voxels = np.count_nonzero(stack.label_ids == label_id, axis=(1, 2)).astype(np.float64)
    if method == CENTRE_TO_CENTRE:
        voxels[[0, -1]] /= 2.0
    return float(voxels.sum()) * stack.voxel_volume_ml


def ejection_fraction_percent(edv_ml: float | None, esv_ml: float | None) -> float | None:
    """`100 * (EDV - ESV) / EDV`; None if a phase is absent or the ventricle is empty at ED."""
    if edv_ml is None or esv_ml is None or edv_ml == 0.0:
        return None
    return 100.0 * (edv_ml - esv_ml) / edv_ml


def measure(
    stacks: Mapping[str, LabelledStack], schema: LabelSchema, method: str = SLICE_SUMMATION
) -> Measures:
    """All `MEASURES` of one subject.

    Args:
        stacks: the subject's stacks by phase; either phase may be absent.
        schema: says which ids are LV (cavity), MYO and RV.
        method: `SLICE_SUMMATION` or `CENTRE_TO_CENTRE`.
    """

    def volume(phase: str, structure: str) -> float | None:
        return volume_ml(stacks[phase], schema.id_of(structure), method) if phase in stacks else None

    def mass_g(phase: str) -> float | None:
        myocardium_ml = volume(phase, "MYO")
        return None if myocardium_ml is None else MYOCARDIAL_DENSITY_G_PER_ML * myocardium_ml

    lv_edv, lv_esv = volume("ED", "LV"), volume("ES", "LV")
    rv_edv, rv_esv = volume("ED", "RV"), volume("ES", "RV")
    values = (
        *(lv_edv, lv_esv, ejection_fraction_percent(lv_edv, lv_esv)),
        *(mass_g("ED"), mass_g("ES")),
        *(rv_edv, rv_esv, ejection_fraction_percent(rv_edv, rv_esv)),
    )
    return dict(zip(MEASURES, values, strict=True))


def write_measures(path: Path, rows: Sequence[SubjectRow], schema: LabelSchema) -> None:
    """Write `measures.csv`: one line per subject, from A to B.

    After name, kind, weight, number of slices and slice spacing come the `MEASURES` by slice
    summation, then the same centre to centre (`LV_EDV_centre_to_centre_ml`). A blank means that the
    phase is absent.
    """
    with path.open("w", newline="", encoding="utf-8") as stream:
        lines = [_csv_line(row, schema) for row in rows]
        writer = csv.DictWriter(stream, fieldnames=list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def _csv_line(row: SubjectRow, schema: LabelSchema) -> dict[str, Any]:
    stack = next(iter(row.stacks.values()))
    line: dict[str, Any] = {
        "subject": row.name,
        "kind": row.kind,
        "weight": f"{row.weight:.4f}",
        "slices": stack.num_slices,
        "slice_spacing_mm": f"{stack.spacing_mm[2]:.4f}",
    }
    for name, value in measure(row.stacks, schema, SLICE_SUMMATION).items():
        line[name] = _cell(value)
    for name, value in measure(row.stacks, schema, CENTRE_TO_CENTRE).items():
        what, unit = name.rsplit("_", 1)
        line[f"{what}_{CENTRE_TO_CENTRE}_{unit}"] = _cell(value)
    return line


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def measure_volumes_ml(
    stacks: Mapping[str, NDArray[np.uint8]], slice_spacing_mm: float
) -> NDArray[np.float64]:
    """`VOLUMES` of prepared label stacks, by slice summation."""
    voxel_ml = SPACING_MM * SPACING_MM * slice_spacing_mm / 1000.0
    return np.array(
        [
            np.count_nonzero(stacks[phase] == SCHEMA.id_of(structure)) * voxel_ml
            for phase in PHASES
            for structure in SCHEMA.foreground
        ]
    )
