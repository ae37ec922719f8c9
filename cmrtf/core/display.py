"""How stacks are shown in the figure and the report: which way up, which grey, which colours."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def grey_levels(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Map [-1, 1] to 0..255; values outside saturate."""
    return np.rint((np.clip(image, -1.0, 1.0) + 1.0) * 127.5).astype(np.uint8)


def upright(stack: NDArray[Any], affine: NDArray[np.float64]) -> NDArray[Any]:
    """Flip rows and columns so that patient left is on the right and feet or back are down.

    That is how short-axis slices are read. Rows and columns are not swapped: sources store the
    plane as it was acquired.

    Args:
        stack: `(slices, height, width)`.
        affine: `(4, 4)`, voxel `(x, y, z)` to scanner millimetres in RAS+ (right, anterior, superior are
            positive). Use that of subject A for all subjects of one walk: they share an array space.
    """
    column_direction, row_direction = affine[:3, 0], affine[:3, 1]
    rightwards = column_direction[0] > 0.0
    upwards = row_direction[1] + row_direction[2] > 0.0
    return stack[:, :: -1 if upwards else 1, :: -1 if rightwards else 1]


def enlarged_labels(label_ids: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """One slice of labels with smooth edges at another size.

    Each class is resampled by itself and the strongest wins: labels are never blended.

    Args:
        label_ids: `(height, width)`.
        size: new height and width.
    """
    shares = []
    for label_id in range(int(label_ids.max()) + 1):
        mask = (label_ids == label_id).astype(np.uint8) * 255
        shares.append(np.asarray(Image.fromarray(mask).resize((size, size), Image.Resampling.BICUBIC)))
    return np.argmax(shares, axis=0).astype(np.uint8)


def label_outlines(label_ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Keep the labels of pixels on a boundary, their structure's own side; the rest becomes 0.

    Args:
        label_ids: `(height, width)`.
    """
    boundary = np.zeros(label_ids.shape, bool)
    boundary[1:] |= label_ids[1:] != label_ids[:-1]
    boundary[:-1] |= label_ids[1:] != label_ids[:-1]
    boundary[:, 1:] |= label_ids[:, 1:] != label_ids[:, :-1]
    boundary[:, :-1] |= label_ids[:, 1:] != label_ids[:, :-1]
    return np.where(boundary, label_ids, 0).astype(np.uint8)
