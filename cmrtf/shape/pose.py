"""The pose of a heart: its place in the image and its rotation about the long axis.

Shapes are compared in one common pose: a heart is moved into it, and back afterwards.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cmrtf.core.labels import SCHEMA
from cmrtf.shape.signed_distance import LIMIT_PX, signed_distances

AT_REST = 1e-6
"""Degrees and pixels."""

LV, RV = SCHEMA.id_of("LV"), SCHEMA.id_of("RV")


def landmarks(label_ids: NDArray[Any]) -> NDArray[np.float64] | None:
    """Centres of LV and RV in the middle half of the slices that show both.

    Args:
        label_ids: `(slices, size, size)`.

    Returns:
        `(2, 2)`: LV and RV, row and column in pixels from the middle of the image; None if no slice shows
        both.
    """
    shows_both = (label_ids == LV).any(axis=(1, 2)) & (label_ids == RV).any(axis=(1, 2))
    slices = np.flatnonzero(shows_both)
    if not len(slices):
        return None
    quarter = len(slices) // 4
    middle = label_ids[slices[quarter : len(slices) - quarter]]
    centres = [np.argwhere(middle == structure)[:, 1:].mean(axis=0) for structure in (LV, RV)]
    return np.array(centres) - (np.array(label_ids.shape[1:]) - 1.0) / 2.0


def mean_landmarks(landmarks_of_hearts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Landmarks of the mean pose: the mean centre of the LV, and the RV in the mean direction from there.

    How far the RV lies from the LV is left out: it is shape, not pose.

    Args:
        landmarks_of_hearts: landmarks of one heart after the other, at least one.

    Returns:
        `(2, 2)`, as `landmarks` returns them.
    """
    lv, rv = np.stack(landmarks_of_hearts, axis=1)
    directions = (rv - lv) / np.linalg.norm(rv - lv, axis=1, keepdims=True)
    return np.stack([lv.mean(axis=0), (lv + directions).mean(axis=0)])


def pose_between(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rigid motion that brings the LV of one heart onto that of another, and the RV onto the same side.

    Args:
        first: landmarks of the heart to be moved.
        second: landmarks of the other.

    Returns:
        `(3,)`: rotation about the middle of the image in degrees, from rows towards columns, within +-180;
        then shift along rows and columns in pixels.
    """
    (row, column), (row_after, column_after) = first[1] - first[0], second[1] - second[0]
    turn = np.degrees(np.arctan2(column_after, row_after) - np.arctan2(column, row))
    degrees = (turn + 180.0) % 360.0 - 180.0
    return np.array([degrees, *(second[0] - _rotation(degrees) @ first[0])])


def landmarks_between(
    first: NDArray[np.float64], second: NDArray[np.float64], weight: float
) -> NDArray[np.float64]:
    """Landmarks on the way from one heart to another: the LV goes straight, the RV the short way round it.

    Args:
        first: landmarks at weight 0.
        second: landmarks at weight 1.
        weight: the place on the way.
    """
    lv = (1.0 - weight) * first[0] + weight * second[0]
    degrees = pose_between(first, second)[0]
    to_rv = _rotation(weight * degrees) @ (first[1] - first[0])
    length = (1.0 - weight) + weight * np.linalg.norm(second[1] - second[0]) / np.linalg.norm(to_rv)
    return np.stack([lv, lv + length * to_rv])


def inverse(pose: NDArray[Any]) -> NDArray[np.float64]:
    """The motion that undoes a pose, `(3,)`."""
    return np.array([-pose[0], *(-_rotation(-pose[0]) @ pose[1:])])


def move(label_ids: NDArray[np.uint8], pose: NDArray[Any]) -> NDArray[np.uint8]:
    """Move all slices of a stack.

    Signed distances are moved instead of labels, so contours stay smooth and no new label appears. What
    leaves the image is lost.

    Args:
        label_ids: `(slices, size, size)`.
        pose: `(3,)`, as `pose_between` returns it.

    Returns:
        label ids of the same shape.
    """
    if _is_at_rest(pose):
        return label_ids
    outside = np.full(SCHEMA.num_classes, -LIMIT_PX, np.float32)
    outside[0] = LIMIT_PX  # background
    moved = np.zeros(label_ids.shape, np.uint8)
    for k in np.flatnonzero(label_ids.any(axis=(1, 2))):
        moved[k] = move_fields(signed_distances(label_ids[k]), pose, outside).argmax(axis=0)
    return moved


def move_fields(
    fields: NDArray[np.float32], pose: NDArray[Any], outside: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Move numbers that vary smoothly over a slice, such as signed distances.

    Args:
        fields: `(n, size, size)`.
        pose: `(3,)`, as `pose_between` returns it.
        outside: `(n,)`, what comes in from beyond the image.

    Returns:
        of the same shape; the same array where nothing moves.
    """
    if _is_at_rest(pose):
        return fields
    back, middle = _rotation(-pose[0]), (np.array(fields.shape[1:]) - 1.0) / 2.0
    offset = middle - back @ (middle + pose[1:])
    return np.stack(
        [
            ndimage.affine_transform(field, back, offset, order=1, cval=value)
            for field, value in zip(fields, outside, strict=True)
        ]
    )


def _is_at_rest(pose: NDArray[Any]) -> bool:
    """Whether nothing moves but for rounding."""
    return bool(np.abs(pose).max() < AT_REST)


def _rotation(degrees: float) -> NDArray[np.float64]:
    """Matrix `(2, 2)` that turns (row, column)."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, -sine], [sine, cosine]])
