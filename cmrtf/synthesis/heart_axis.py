"""Where along the heart a slice lies, and codes between those of a stack's slices."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.stack import Stack
from cmrtf.errors import CmrtfError


@dataclass(frozen=True)
class HeartSpan:
    """Which part of a stack the labels cover, in fractions of the stack: 0 first slice, 1 last.

    Annotators leave slices above the valves, and sometimes below the apex, unlabelled. A code between
    that of a heart and that of an empty slice decodes to a shrunken heart, as if the base were a second
    apex; so codes are interpolated between labelled slices only, and beyond them there is no heart.

    Args:
        first: position of the first labelled slice.
        last: position of the last labelled slice.
        half_slice: half the distance of two slices: how far a slice's label reaches.
    """

    first: float
    last: float
    half_slice: float

    @classmethod
    def of(cls, stack: Stack, where: str) -> "HeartSpan":
        """The span of a stack.

        Args:
            stack: with labels.
            where: names the stack in the error.

        Raises:
            CmrtfError: fewer than two slices are labelled.
        """
        labelled = np.flatnonzero(stack.has_heart)
        if len(labelled) < 2:
            raise CmrtfError(
                f"{where}: expected a heart labelled in two slices or more, to interpolate between them. "
                f"Received: {len(labelled)}."
            )
        steps = stack.num_slices - 1
        return cls(float(labelled[0] / steps), float(labelled[-1] / steps), 0.5 / steps)

    def towards(self, other: "HeartSpan", weight: float) -> "HeartSpan":
        """The span at `weight` between this one and another."""
        return HeartSpan(
            between(self.first, other.first, weight),
            between(self.last, other.last, weight),
            between(self.half_slice, other.half_slice, weight),
        )

    def contains(self, positions: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which positions, in fractions of the stack, have a heart."""
        half_slice = self.half_slice + 1e-9
        return (positions >= self.first - half_slice) & (positions <= self.last + half_slice)

    def carry_over(self, positions: NDArray[np.float64], to: "HeartSpan") -> NDArray[np.float64]:
        """The same places along the heart in another stack: apex to apex, base to base.

        Returns:
            fractions of the other stack, within [0, 1].
        """
        along_heart = (positions - self.first) / (self.last - self.first)
        return np.clip(to.first + along_heart * (to.last - to.first), 0.0, 1.0)


def codes_at(codes: NDArray[Any], positions: NDArray[np.float64]) -> NDArray[np.float32]:
    """Linear interpolation of a stack's codes.

    Args:
        codes: `(slices, dim)`, at least two, apex to base.
        positions: `(wanted,)` in fractions of the stack, 0 first slice, 1 last.

    Returns:
        `(wanted, dim)`.

    Example:
        >>> codes_at(np.array([[0.0], [3.0]]), np.linspace(0, 1, 4))[:, 0].tolist()
        [0.0, 1.0, 2.0, 3.0]
    """
    at = positions * (len(codes) - 1)
    low = np.clip(np.floor(at).astype(int), 0, len(codes) - 2)
    fraction = (at - low)[:, None]
    return between(codes[low], codes[low + 1], fraction).astype(np.float32)


def interpolated(
    wanted: NDArray[np.float64], places: NDArray[Any], codes: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Linear interpolation of codes between any places, entry by entry; beyond the last, the last's.

    Args:
        wanted: `(wanted,)`, on the scale of `places`.
        places: `(known,)`, ascending.
        codes: `(known, dim)`.

    Returns:
        `(wanted, dim)`.
    """
    return np.stack([np.interp(wanted, places, column) for column in codes.T], axis=1).astype(np.float32)


def between(first: Any, second: Any, weight: Any) -> Any:
    """`(1 - weight) * first + weight * second`."""
    return (1.0 - weight) * first + weight * second
