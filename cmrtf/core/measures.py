"""Ventricular volumes, ejection fraction and myocardial mass from short-axis labels."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.labels import PHASES, SCHEMA
from cmrtf.core.preparation import SPACING_MM
from cmrtf.core.stack import SLICE_SUMMATION, Stack

MYOCARDIAL_DENSITY_G_PER_ML: Final = 1.05
"""Density of myocardium (Schulz-Menger et al., JCMR 2020, 22:19)."""

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
"""By the names in `MEASURES`; None where the phase that it needs is absent, or its structure unknown."""


def ejection_fraction_percent(edv_ml: float | None, esv_ml: float | None) -> float | None:
    """`100 * (EDV - ESV) / EDV`; None if a phase is absent or the ventricle is empty at ED."""
    if edv_ml is None or esv_ml is None or edv_ml == 0.0:
        return None
    return 100.0 * (edv_ml - esv_ml) / edv_ml


def measure(stacks: Mapping[str, Stack], method: str = SLICE_SUMMATION) -> Measures:
    """All `MEASURES` of one subject.

    Args:
        stacks: the subject's stacks by phase; either phase may be absent.
        method: `SLICE_SUMMATION` or `CENTRE_TO_CENTRE`.
    """

    def volume(phase: str, structure: str) -> float | None:
        is_known = phase in stacks and stacks[phase].knows(structure)
        return stacks[phase].volume_ml(structure, method) if is_known else None

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


def measure_volumes_ml(
    stacks: Mapping[str, NDArray[np.uint8]], slice_spacing_mm: float
) -> NDArray[np.float64]:
    """`VOLUMES` of prepared label stacks, by slice summation.

    Args:
        stacks: both phases, `(slices, size, size)` label ids on the prepared grid (1.5 mm in plane).
        slice_spacing_mm: distance between slice centres.

    Returns:
        `(6,)`, ml, by `VOLUMES`.

    Raises:
        KeyError: a phase is absent.
    """
    voxel_ml = SPACING_MM * SPACING_MM * slice_spacing_mm / 1000.0
    return np.array(
        [
            np.count_nonzero(stacks[phase] == SCHEMA.id_of(structure)) * voxel_ml
            for phase in PHASES
            for structure in SCHEMA.foreground
        ]
    )
