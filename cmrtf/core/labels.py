"""The labels of the heart: which structures there are, their ids and their colours; phases and vendors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cmrtf.errors import CmrtfError


@dataclass(frozen=True)
class LabelSchema:
    """An ordered set of structures; a structure's position is its label id.

    Args:
        name: what the order is called, for messages and provenance.
        structures: short names by label id; id 0 is the background.

    Example:
        >>> SCHEMA.id_of("RV")
        3
    """

    name: str
    structures: tuple[str, ...]

    @property
    def num_classes(self) -> int:
        """Number of label ids, the background included."""
        return len(self.structures)

    @property
    def foreground(self) -> tuple[str, ...]:
        """Names of the structures without the background, in id order."""
        return self.structures[1:]

    def id_of(self, structure: str) -> int:
        """Label id of a structure; CmrtfError if there is none."""
        if structure not in self.structures:
            raise CmrtfError(f"expected one of {', '.join(self.structures)}. Received: {structure!r}.")
        return self.structures.index(structure)

    def validate(self, label_ids: NDArray[Any], source: str) -> None:
        """Check that `label_ids` holds label ids of this schema only.

        Args:
            label_ids: any shape, any numeric type.
            source: the file (or signature) to name in the message.

        Raises:
            CmrtfError: naming the values that do not belong.
        """
        names = dict(enumerate(self.structures))
        if complaint := foreign_values(label_ids, names, f"{self.name} order"):
            raise CmrtfError(f"{source}: {complaint}")

    def to_dict(self) -> dict[str, Any]:
        """Plain form for JSON."""
        return {"name": self.name, "structures": list(self.structures)}


def whole_numbers(labels: NDArray[Any]) -> NDArray[Any]:
    """Labels whose values are whole numbers where they nearly are, as a slope in a header leaves them.

    Args:
        labels: any shape, any numeric type.

    Returns:
        an array of the same type, in which values within `WHOLE_TOLERANCE` of a whole number are that number.

    Example:
        >>> whole_numbers(np.array([0.9999999999, 2.5])).tolist()
        [1.0, 2.5]
    """
    if labels.dtype.kind != "f":
        return labels
    rounded = np.rint(labels)
    with np.errstate(invalid="ignore"):  # infinity minus infinity is no whole number
        return np.where(np.abs(labels - rounded) <= WHOLE_TOLERANCE, rounded, labels)


def foreign_values(label_ids: NDArray[Any], names: Mapping[int, str], order: str) -> str | None:
    """What is wrong with an array that holds other values than those that have a name.

    Args:
        label_ids: any shape, any numeric type.
        names: allowed value to structure.
        order: what the values' order is called.
    """
    if sum(np.count_nonzero(label_ids == value) for value in names) == label_ids.size:
        return None  # as mostly; comparing is faster than sorting
    foreign = [value for value in np.unique(label_ids).tolist() if value not in names]
    received = ", ".join(_in_full(value) for value in foreign[:8]) + (" ..." if len(foreign) > 8 else "")
    expected = ", ".join(f"{value} {name}" for value, name in sorted(names.items()))
    return f"expected label values within {{{expected}}} ({order}). Received: {received}."


def _in_full(value: float) -> str:
    """A number with all its digits: 0.9999 is not 1."""
    return str(int(value)) if np.isfinite(value) and value == int(value) else repr(value)


SCHEMA = LabelSchema(name="M&Ms", structures=("background", "LV", "MYO", "RV"))
"""The order used everywhere inside the project and in all outputs (LV is the LV cavity)."""

WHOLE_TOLERANCE: Final = 1e-3
"""How far from a whole number a label value may be stored."""

PHASES = ("ED", "ES")
"""End-diastole and end-systole."""

VENDORS = ("A", "B", "C", "D")
"""Siemens, Philips, GE, Canon, as M&Ms calls them."""

ACDC_TO_SCHEMA = {0: 0, 1: 3, 2: 2, 3: 1}
"""ACDC stores 1 RV, 2 MYO, 3 LV (Bernard et al., IEEE TMI 2018): its values to our label ids."""

LABEL_COLOURS: Final = (
    (0, 0, 0),
    (213, 94, 0),
    (240, 228, 66),
    (86, 180, 233),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (0, 114, 178),
)
"""RGB by label id (0 background): the colour-blind-safe set of Okabe and Ito (*Color Universal
Design*, 2008); LV vermilion, myocardium yellow, RV sky blue, then colours for larger schemas."""
