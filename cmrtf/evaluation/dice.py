"""Overlap of label maps."""

from typing import Any

from numpy.typing import NDArray

from cmrtf.data.schema import SCHEMA, LabelSchema


def dice(first: NDArray[Any], second: NDArray[Any], schema: LabelSchema = SCHEMA) -> dict[str, float]:
    """Dice coefficient of each foreground structure, over all voxels given.

    `2 |A and B| / (|A| + |B|)`, in [0, 1]; NaN where both are empty.

    Args:
        first: label ids of any shape.
        second: label ids of the same shape.
        schema: names of the structures.

    Example:
        >>> import numpy as np
        >>> dice(np.array([1, 1, 2]), np.array([1, 2, 2]))["LV"]
        0.6666666666666666
    """
    result = {}
    for structure in schema.foreground:
        a, b = first == schema.id_of(structure), second == schema.id_of(structure)
        total = int(a.sum()) + int(b.sum())
        result[structure] = 2.0 * int((a & b).sum()) / total if total else float("nan")
    return result
