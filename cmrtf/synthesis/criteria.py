"""Conditions on the measures of drawn hearts, and targets of remodelled ones: read from text, checked, met.

Conditions on drawn hearts (`EDV>180 ml, EF<35 %`), and targets of changed ones (`EDV=200 ml, EF=30 %`),
which leave the rest as it is.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.labels import PHASES
from cmrtf.core.measures import MYOCARDIAL_DENSITY_G_PER_ML, VOLUMES
from cmrtf.errors import CmrtfError

Volumes = NDArray[np.float64]


def _volume(name: str) -> Callable[[Volumes], Volumes]:
    return lambda volumes: volumes[..., VOLUMES.index(name)]


def _ejection_fraction(ventricle: str) -> Callable[[Volumes], Volumes]:
    edv, esv = _volume(f"{ventricle}_ED"), _volume(f"{ventricle}_ES")
    return lambda volumes: 100.0 * (1.0 - esv(volumes) / edv(volumes))


QUANTITIES: dict[str, tuple[str, Callable[[Volumes], Volumes]]] = {
    "EDV": ("ml", _volume("LV_ED")),
    "ESV": ("ml", _volume("LV_ES")),
    "EF": ("%", _ejection_fraction("LV")),
    "MASS": ("g", lambda volumes: MYOCARDIAL_DENSITY_G_PER_ML * _volume("MYO_ED")(volumes)),
    "RVEDV": ("ml", _volume("RV_ED")),
    "RVESV": ("ml", _volume("RV_ES")),
    "RVEF": ("%", _ejection_fraction("RV")),
}
"""Name to unit, and how it follows from `VOLUMES` in ml; the first four are of the left ventricle."""

TERM = re.compile(r"\s*([A-Za-z]+)\s*([<>=])\s*([0-9]*\.?[0-9]+)\s*(ml|g|%)?\s*")


@dataclass(frozen=True)
class Condition:
    """One quantity above or below a limit.

    Args:
        quantity: of `QUANTITIES`.
        above: whether it shall be larger than the limit, or smaller.
        limit: in the quantity's unit.

    Raises:
        CmrtfError: there is no such quantity.
    """

    quantity: str
    above: bool
    limit: float

    def __post_init__(self) -> None:
        if self.quantity not in QUANTITIES:
            raise CmrtfError(f"expected one of {', '.join(QUANTITIES)}. Received: {self.quantity!r}.")

    def holds(self, volumes_ml: Volumes) -> NDArray[np.bool_]:
        """Whether hearts of these volumes fulfil it.

        Args:
            volumes_ml: `(..., 6)`, by `VOLUMES`.
        """
        _, measure = QUANTITIES[self.quantity]
        values = measure(volumes_ml)
        return values > self.limit if self.above else values < self.limit

    def __str__(self) -> str:
        unit, _ = QUANTITIES[self.quantity]
        return f"{self.quantity}{'>' if self.above else '<'}{self.limit:g} {unit}"


def all_hold(conditions: Sequence[Condition], volumes_ml: Volumes) -> NDArray[np.bool_]:
    """Whether hearts of these volumes, `(..., 6)`, fulfil all conditions; without any, all do."""
    fulfilled = [condition.holds(volumes_ml) for condition in conditions]
    return np.logical_and.reduce([np.full(volumes_ml.shape[:-1], True), *fulfilled])


def parse_conditions(text: str) -> tuple[Condition, ...]:
    """Read conditions that are separated by commas; all of them shall hold.

    Raises:
        CmrtfError: what is written is none, or its unit is another than that of the quantity.

    Example:
        >>> [str(condition) for condition in parse_conditions("EDV>180 ml, EF<35 %")]
        ['EDV>180 ml', 'EF<35 %']
    """
    terms = (read_term(term, "<>", "conditions such as 'EDV>180 ml, EF<35 %'") for term in text.split(","))
    return tuple(Condition(name, sign == ">", limit) for name, sign, limit in terms)


def read_term(text: str, signs: str, expected: str) -> tuple[str, str, float]:
    """Read one quantity, one of `signs` and a value in the quantity's unit, which may be left out.

    Args:
        text: such as `"EF<35 %"`.
        signs: those that may stand between.
        expected: what the error asks for.

    Raises:
        CmrtfError: it is written in another way, or its unit is another than that of the quantity.
    """
    match = TERM.fullmatch(text)
    name = match[1].upper() if match else ""
    if match and name in QUANTITIES and match[2] in signs and match[4] in (None, QUANTITIES[name][0]):
        return name, match[2], float(match[3])
    known = ", ".join(f"{name} ({unit})" for name, (unit, _) in QUANTITIES.items())
    raise CmrtfError(f"expected {expected}, of {known}. Received: {text.strip()!r}.")


def parse_targets(text: str | Mapping[str, float]) -> dict[str, float]:
    """Read targets that are separated by commas, as value by name in `QUANTITIES`.

    Args:
        text: targets as text; values by name are read as if they had been written.

    Raises:
        CmrtfError: what is written is none, is 0 or no fraction, or says the same twice.

    Example:
        >>> parse_targets("EDV=200 ml, EF=30 %")
        {'EDV': 200.0, 'EF': 30.0}
    """
    if not isinstance(text, str):
        text = ",".join(f"{name}={float(value)}" for name, value in text.items())
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
