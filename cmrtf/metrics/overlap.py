"""How well two label maps agree: overlap, and distances in millimetres between their surfaces."""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cmrtf.core.labels import SCHEMA
from cmrtf.core.unknown import Unknown

PERCENTILE: Final = 95.0
"""Of the Hausdorff distance: the largest distance of all depends on a single pixel."""


def dice(first: NDArray[Any], second: NDArray[Any], unknown: Unknown = None) -> dict[str, float]:
    """Dice coefficient of each foreground structure, over all voxels given.

    `2 |A and B| / (|A| + |B|)`, in [0, 1]; NaN where both are empty.

    Args:
        first: label ids of any shape.
        second: label ids of the same shape.
        unknown: which structures are unknown in which slices, the first axis of both; these are left out.

    Example:
        >>> import numpy as np
        >>> dice(np.array([1, 1, 2]), np.array([1, 2, 2]))["LV"]
        0.6666666666666666
    """
    result = {}
    for structure in SCHEMA.foreground:
        a, b = _masks(first, second, structure, unknown)
        total = int(a.sum()) + int(b.sum())
        result[structure] = 2.0 * int((a & b).sum()) / total if total else math.nan
    return result


def hd95_mm(
    first: NDArray[Any], second: NDArray[Any], spacing_mm: Sequence[float], unknown: Unknown = None
) -> dict[str, float]:
    """95th percentile of the Hausdorff distance between the surfaces of each foreground structure.

    It is the larger of the two directed 95th percentiles (Maier-Hein et al., *Metrics reloaded*, Nature
    Methods 2024; 21:195), NaN where either structure is empty. MedPy takes one percentile of both directions
    pooled instead, so its values differ a little.

    A surface is the voxels that have a face neighbour outside the structure or the array; distances
    are between voxel centres. Where slices are far apart, a structure that ends one slice earlier
    counts with that whole slice, so HD95 of a short-axis stack jumps by the slice spacing.

    Args:
        first: label ids, `(slices, height, width)`, or `(height, width)` for distances in the plane.
        second: label ids of the same shape.
        spacing_mm: voxel size along each axis of the array, so `(z, y, x)`.
        unknown: which structures are unknown in which slices; these are left out.
    """
    return {
        structure: _hd95_mm(*_masks(first, second, structure, unknown), spacing_mm)
        for structure in SCHEMA.foreground
    }


def _masks(
    first: NDArray[Any], second: NDArray[Any], structure: str, unknown: Unknown
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where both have a structure, among the slices in which it is known."""
    label_id = SCHEMA.id_of(structure)
    if unknown is None:
        return first == label_id, second == label_id
    known = ~unknown[:, label_id]
    return first[known] == label_id, second[known] == label_id


def _hd95_mm(first: NDArray[np.bool_], second: NDArray[np.bool_], spacing_mm: Sequence[float]) -> float:
    if not (first.any() and second.any()):
        return math.nan
    (box,) = ndimage.find_objects((first | second).astype(np.uint8))
    a, b = _surface(first[box]), _surface(second[box])
    a_to_b, b_to_a = _distance_to(b, spacing_mm)[a], _distance_to(a, spacing_mm)[b]
    return float(max(np.percentile(a_to_b, PERCENTILE), np.percentile(b_to_a, PERCENTILE)))


def _surface(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Beyond the array counts as outside, so a crop to the structure's box changes nothing."""
    return mask & ~ndimage.binary_erosion(mask)


def _distance_to(surface: NDArray[np.bool_], spacing_mm: Sequence[float]) -> NDArray[np.float64]:
    distances: NDArray[np.float64] = ndimage.distance_transform_edt(~surface, sampling=spacing_mm)
    return distances
