"""What can be asked of a heart by name, and a table that sets hearts beside each other.

`EDV`, `ESV`, `EF` and `MASS` are of the left ventricle, `RVEDV`, `RVESV` and `RVEF` of the right one.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.measures import MYOCARDIAL_DENSITY_G_PER_ML, VOLUMES

Volumes = NDArray[np.float64]
"""`(..., 6)`, ml, by `cmrtf.core.measures.VOLUMES`; NaN where a phase is not known."""


def _volume(name: str) -> Callable[[Volumes], Volumes]:
    return lambda volumes: volumes[..., VOLUMES.index(name)]


def _ejection_fraction(ventricle: str) -> Callable[[Volumes], Volumes]:
    edv, esv = _volume(f"{ventricle}_ED"), _volume(f"{ventricle}_ES")
    return lambda volumes: 100.0 * (1.0 - esv(volumes) / edv(volumes))


QUANTITIES: Final[dict[str, tuple[str, Callable[[Volumes], Volumes]]]] = {
    "EDV": ("ml", _volume("LV_ED")),
    "ESV": ("ml", _volume("LV_ES")),
    "EF": ("%", _ejection_fraction("LV")),
    "MASS": ("g", lambda volumes: MYOCARDIAL_DENSITY_G_PER_ML * _volume("MYO_ED")(volumes)),
    "RVEDV": ("ml", _volume("RV_ED")),
    "RVESV": ("ml", _volume("RV_ES")),
    "RVEF": ("%", _ejection_fraction("RV")),
}
"""Name to unit, and how it follows from volumes."""

CLOSE_ENOUGH: Final = 5.0
"""Up to here a quantity counts as reached: per cent of a volume or a mass, points of an ejection fraction (of
a heart that hardly ejects, one point is many per cent)."""


def quantities_of(volumes_ml: Volumes) -> dict[str, float]:
    """All quantities of one heart, `(6,)`, by name."""
    with np.errstate(divide="ignore", invalid="ignore"):  # nothing is ejected of nothing
        return {name: float(quantity(volumes_ml)) for name, (_, quantity) in QUANTITIES.items()}


def deviations(wanted: Volumes, reached: Volumes) -> dict[str, float]:
    """How far each quantity of a heart, `(6,)`, is from the wanted one, without a sign.

    Returns:
        per cent, of ejection fractions points, by name; of what was to be nothing, infinitely many per cent
        or NaN.
    """
    wanted_of, reached_of = quantities_of(wanted), quantities_of(reached)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            name: abs(reached_of[name] - wanted_of[name])
            if unit == "%"
            else float(100.0 * np.abs(np.float64(reached_of[name]) / wanted_of[name] - 1.0))
            for name, (unit, _) in QUANTITIES.items()
        }


def quantities_table(columns: Mapping[str, Volumes]) -> str:
    """Hearts side by side as text, a line for each quantity that all of them have.

    Args:
        columns: heading to volumes `(6,)`. Where the last column is more than `CLOSE_ENOUGH` from the one
            before it, its line says so.
    """
    *_, wanted, reached = columns.values()
    off = deviations(wanted, reached)
    lines = [" " * 10 + "".join(f"{heading:>10}" for heading in columns)]
    hearts = [quantities_of(volumes_ml) for volumes_ml in columns.values()]
    for name, (unit, _) in QUANTITIES.items():
        values = [heart[name] for heart in hearts]
        if np.isfinite(values).all():
            unit_off = "points" if unit == "%" else "%"
            note = f"  {off[name]:.0f} {unit_off} off" if off[name] > CLOSE_ENOUGH else ""
            lines.append(f"{f'{name}, {unit}':10}" + "".join(f"{value:10.1f}" for value in values) + note)
    return "\n".join(lines)
