"""Orientation of a stack: which end is the apex, told from the labels.

The heart tapers towards the apex, so the mean position of its labelled voxels along the stack lies
nearer to the base. In a half ellipsoid it lies 3/8 of the length from the base, at -0.25 when the
extent runs from -1 (base) to 1 (apex); in a cone at -0.5; in a tube, where nothing can be told, at 0.
All structures count together and ED and ES together: the RV ends before the apex, but annotators also
leave it out of basal slices, and an apical aneurysm lets the LV widen where all else narrows. Scanner
directions are not used, because redistributed data have lost them.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

CERTAIN_TAPER = 0.05
"""A smaller taper leaves the order a guess, since the two ends are too alike; the manifest says so."""


def apical_taper(label_volumes: Iterable[NDArray[Any]]) -> float:
    """How much a heart widens along z, from -1 to 1; positive if the apex is at z = 0.

    Args:
        label_volumes: `(x, y, z)` label ids, a volume per phase, with labels in at least two slices.
    """
    return float(np.mean([_centre_of_area((label_ids > 0).sum(axis=(0, 1))) for label_ids in label_volumes]))


def _centre_of_area(area: NDArray[np.int64]) -> float:
    """Centre of mass of `(z,)` areas, with the first slice that has labels at -1 and the last at 1."""
    labelled = np.flatnonzero(area)
    first, last = labelled[0], labelled[-1]
    centre = np.average(np.arange(area.size), weights=area)
    return float((2 * centre - first - last) / (last - first))
