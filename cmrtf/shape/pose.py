"""How a heart lies in its slices, taken out and put back: shapes compare where poses are the same."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cmrtf.core.labels import SCHEMA
from cmrtf.shape.signed_distance import LIMIT_PX, signed_distances

LV, RV = SCHEMA.id_of("LV"), SCHEMA.id_of("RV")


def landmarks(label_ids: NDArray[Any]) -> NDArray[np.float64] | None:
    """Centres of LV and RV in the middle half of the slices that show both.

    Args:
        label_ids: `(slices, size, size)`.

    Returns:
        `(2, 2)`, LV and RV, row and column from the middle of the image in pixels; None where no slice
        shows both.
    """
    both = np.flatnonzero((label_ids == LV).any(axis=(1, 2)) & (label_ids == RV).any(axis=(1, 2)))
    if not len(both):
        return None
    cut = len(both) // 4
    middle = label_ids[both[cut : len(both) - cut]]
    centres = [np.argwhere(middle == structure)[:, 1:].mean(axis=0) for structure in (LV, RV)]
    return np.array(centres) - (np.array(label_ids.shape[1:]) - 1.0) / 2.0


def mean_landmarks(of_hearts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Of hearts that lie as most do: the mean place of the LV, and the mean direction of the RV from there.

    Args:
        of_hearts: landmarks of each, at least one.
    """
    lv, rv = np.stack(of_hearts, axis=1)
    directions = (rv - lv) / np.linalg.norm(rv - lv, axis=1, keepdims=True)
    return np.stack([lv.mean(axis=0), (lv + directions).mean(axis=0)])


def pose_between(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rigid motion that brings the LV of one heart onto that of another, and its RV onto the same side.

    Args:
        first: landmarks.
        second: landmarks.

    Returns:
        `(3,)`: rotation about the middle of the image in degrees, from rows towards columns, within +-180;
        then shift of rows and columns in pixels.
    """
    (row, column), (row_after, column_after) = first[1] - first[0], second[1] - second[0]
    turn = np.degrees(np.arctan2(column_after, row_after) - np.arctan2(column, row))
    degrees = (turn + 180.0) % 360.0 - 180.0
    return np.array([degrees, *(second[0] - _rotation(degrees) @ first[0])])


def inverse(pose: NDArray[Any]) -> NDArray[np.float64]:
    """The motion back."""
    return np.array([-pose[0], *(-_rotation(-pose[0]) @ pose[1:])])


def move(label_ids: NDArray[np.uint8], pose: NDArray[Any]) -> NDArray[np.uint8]:
    """Move all slices of a stack, as signed distances: outlines stay smooth, and no new label appears.

    Args:
        label_ids: `(slices, size, size)`.
        pose: see `pose_between`.
    """
    if not pose.any():
        return label_ids
    back, middle = _rotation(-pose[0]), (np.array(label_ids.shape[1:]) - 1.0) / 2.0
    offset = middle - back @ (middle + pose[1:])
    beyond = np.full(SCHEMA.num_classes, -LIMIT_PX)
    beyond[0] = LIMIT_PX  # background
    moved = np.zeros(label_ids.shape, np.uint8)
    for labelled in np.flatnonzero(label_ids.any(axis=(1, 2))):
        distances = signed_distances(label_ids[labelled])
        moved[labelled] = np.argmax(
            [
                ndimage.affine_transform(distance, back, offset, order=1, cval=outside)
                for distance, outside in zip(distances, beyond, strict=True)
            ],
            axis=0,
        )
    return moved


def _rotation(degrees: float) -> NDArray[np.float64]:
    """Of (row, column)."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, -sine], [sine, cosine]])
