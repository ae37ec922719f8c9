"""What a changed heart shall measure: `EDV=200 ml, EF=30 %`, and what shall stay as it is."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cmrtf.data.cohort import PHASES
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.anatomy_prior import VOLUMES
from cmrtf.synthesis.conditions import QUANTITIES, read_term
from cmrtf.synthesis.measures import MYOCARDIAL_DENSITY_G_PER_ML


def parse_targets(text: str) -> dict[str, float]:
    """Read targets that are separated by commas, as value by name in `QUANTITIES`.

    Raises:
        CmrtfError: what is written is none, is 0 or no fraction, or says the same twice.

    Example:
        >>> parse_targets("EDV=200 ml, EF=30 %")
        {'EDV': 200.0, 'EF': 30.0}
    """
    targets: dict[str, float] = {}
    for term in text.split(","):
        name, _, value = read_term(term, "=", "targets such as 'EDV=200 ml, EF=30 %'")
        unit, _ = QUANTITIES[name]
        if value == 0.0 or (unit == "%" and value >= 100.0):
            raise CmrtfError(
                f"expected {name} above 0{' and below 100 %' if unit == '%' else ''}. Received: {value:g}."
            )
        if name in targets:
            raise CmrtfError(f"expected each target once. Received: {name} twice.")
        targets[name] = value
    for volume, fraction in (("ESV", "EF"), ("RVESV", "RVEF")):
        if volume in targets and fraction in targets:
            raise CmrtfError(f"expected {volume} or {fraction}: one follows from the other. Received: both.")
    return targets


def meet_targets(volumes_ml: NDArray[np.float64], targets: Mapping[str, float]) -> NDArray[np.float64]:
    """The volumes of a heart that meets its targets, and is as it was in all else.

    As it was: ejection fractions, end-diastolic volumes, mass, and by how much more myocardium ES shows than
    ED. An end-systolic volume follows from the other two of its ventricle.

    Args:
        volumes_ml: `(6,)`, by `VOLUMES`.
        targets: value by name in `QUANTITIES`.

    Returns:
        `(6,)`.

    Raises:
        CmrtfError: a ventricle would not eject.
    """
    now = dict(zip(VOLUMES, volumes_ml, strict=True))
    wanted = dict(now)
    for ventricle, prefix in (("LV", ""), ("RV", "RV")):
        edv, esv = (f"{ventricle}_{phase}" for phase in PHASES)
        wanted[edv] = targets.get(f"{prefix}EDV", now[edv])
        left = 1.0 - targets[f"{prefix}EF"] / 100.0 if f"{prefix}EF" in targets else now[esv] / now[edv]
        wanted[esv] = targets.get(f"{prefix}ESV", wanted[edv] * left)
        if wanted[esv] >= wanted[edv]:
            received = f"{wanted[esv]:.0f} and {wanted[edv]:.0f} ml"
            raise CmrtfError(f"expected {prefix}ESV below {prefix}EDV. Received: {received}.")
    if "MASS" in targets:
        wanted["MYO_ED"] = targets["MASS"] / MYOCARDIAL_DENSITY_G_PER_ML
        wanted["MYO_ES"] = now["MYO_ES"] * wanted["MYO_ED"] / now["MYO_ED"]
    return np.array([wanted[name] for name in VOLUMES])
