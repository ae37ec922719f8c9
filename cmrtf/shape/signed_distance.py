"""Label maps as distances, in which shapes can be added and averaged."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def signed_distances(label_ids: NDArray[Any], num_classes: int, limit: float) -> NDArray[np.float32]:
    """Distance of each pixel centre to the outline of each class.

    Outlines run between pixels, so the smallest distance is half a pixel, and a pixel's own class is
    the only one above 0.

    Args:
        label_ids: `(height, width)`.
        num_classes: how many label ids there are, the background included.
        limit: where distances stop, in pixels.

    Returns:
        `(num_classes, height, width)` in pixels, within +-`limit`: positive inside the class. A class
        that is absent is at `-limit` everywhere, one that fills the slice at `limit`.
    """
    return np.stack([_signed_distance(label_ids == label_id, limit) for label_id in range(num_classes)])


def _signed_distance(inside: NDArray[np.bool_], limit: float) -> NDArray[np.float32]:
    if inside.all() or not inside.any():
        return np.where(inside, limit, -limit).astype(np.float32)
    depth = ndimage.distance_transform_edt(inside)
    away = ndimage.distance_transform_edt(~inside)
    signed = np.where(inside, depth - 0.5, 0.5 - away)
    return np.clip(signed, -limit, limit).astype(np.float32)
