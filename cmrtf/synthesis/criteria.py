"""Conditions on the measures of drawn hearts, and targets of remodelled ones: read from text, checked, met.

Conditions on drawn hearts (`EDV>180 ml, EF<35 %`), and targets of changed ones (`EDV=200 ml, EF=30 %`),
which leave the rest as it is.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.labels import PHASES
from cmrtf.core.measures import MYOCARDIAL_DENSITY_G_PER_ML, VOLUMES
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.quantities import QUANTITIES, Volumes

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


def parse_targets(text: str) -> dict[str, float]:
    """Read targets that are separated by commas, as value by name in `QUANTITIES`.

    Raises:
        CmrtfError: what is written is none, or no heart can meet it; see `checked_targets`.

    Example:
        >>> parse_targets("EDV=200 ml, EF=30 %")
        {'EDV': 200.0, 'EF': 30.0}
    """
    terms = (read_term(term, "=", "targets such as 'EDV=200 ml, EF=30 %'") for term in text.split(","))
    return _checked((name, value) for name, _, value in terms)


def checked_targets(values: Mapping[str, float]) -> dict[str, float]:
    """Targets by name in `QUANTITIES`, in large letters, once they are known to be possible.

    Raises:
        CmrtfError: there is no such quantity, a value is not above 0 or no fraction, or one says the same as
            another.

    Example:
        >>> checked_targets({"edv": 200, "EF": 30})
        {'EDV': 200.0, 'EF': 30.0}
    """
    return _checked((str(name).upper(), value) for name, value in values.items())


def _checked(named: Iterable[tuple[str, Any]]) -> dict[str, float]:
    targets: dict[str, float] = {}
    for name, value in named:
        if name not in QUANTITIES:
            raise CmrtfError(f"expected targets among {', '.join(QUANTITIES)}. Received: {name!r}.")
        unit, _ = QUANTITIES[name]
        limit = 100.0 if unit == "%" else math.inf
        if not (_is_number(value) and 0.0 < value < limit):
            raise CmrtfError(
                f"expected {name} above 0{' and below 100 %' if unit == '%' else ''}. Received: {value!r}."
            )
        if name in targets:
            raise CmrtfError(f"expected each target once. Received: {name} twice.")
        targets[name] = float(value)
    for volume, fraction in (("ESV", "EF"), ("RVESV", "RVEF")):
        if volume in targets and fraction in targets:
            raise CmrtfError(f"expected {volume} or {fraction}: one follows from the other. Received: both.")
    return targets


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


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
