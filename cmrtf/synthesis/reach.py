"""Whether a changed heart is the one that was asked for, and a heart at all."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cmrtf.errors import CmrtfError
from cmrtf.shape.deformities import Deformities
from cmrtf.synthesis.quantities import QUANTITIES, Volumes, deviations, quantities_of

OUT_OF_REACH: Final = 10.0
"""What is further from a wanted quantity, in per cent, of ejection fractions in points, missed it."""

DEFORMED_SHARE: Final = 0.2
"""Of the slices of a heart, at most: with more of them it is none."""


def require_reached(where: str, wanted_ml: Volumes, reached_ml: Volumes) -> None:
    """Check that a heart measures what was wanted.

    Args:
        where: names the heart in the error.
        wanted_ml: `(6,)`, by `cmrtf.core.measures.VOLUMES`.
        reached_ml: the same.

    Raises:
        CmrtfError: naming each quantity that was missed, and what was reached.
    """
    off = deviations(wanted_ml, reached_ml)
    missed = [name for name in QUANTITIES if off[name] > OUT_OF_REACH]
    if not missed:
        return
    wanted, reached = (
        ", ".join(f"{name} {quantities_of(volumes)[name]:.1f} {QUANTITIES[name][0]}" for name in missed)
        for volumes in (wanted_ml, reached_ml)
    )
    raise CmrtfError(
        f"{where}: expected {wanted}. Received: {reached}, of the closest heart that this bundle makes. What "
        f"is wanted is beyond its reach: ask for less, or train its label VAE for longer."
    )


def require_heart(where: str, label_ids: Mapping[str, NDArray[np.uint8]]) -> None:
    """Check that a heart looks like one.

    Args:
        where: names the heart in the error.
        label_ids: by phase, `(slices, height, width)`.

    Raises:
        CmrtfError: more than `DEFORMED_SHARE` of its slices are deformed.
    """
    found = Deformities.count(label_ids.values())
    if found.deformed > DEFORMED_SHARE * found.labelled:
        raise CmrtfError(
            f"{where}: expected a heart. Received: {found}. What is wanted is too far from the hearts that "
            f"this bundle knows: ask for less."
        )
