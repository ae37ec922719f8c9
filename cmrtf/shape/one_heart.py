"""Whether labels are of one heart or of more: asked of patients and of what is made."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cmrtf.core.geometry import bounding_box
from cmrtf.core.preparation import SPACING_MM
from cmrtf.shape.plausibility import check_stack

CONNECTED = np.ones((3, 3, 3), np.bool_)

APART_MM: Final = 10.0
"""A piece nearer to the heart belongs to it. No label of 50 ACDC patients has a second piece."""

STRAY_SHARE: Final = 0.01
"""Of the largest piece. A smaller one that lies apart is a slip of the brush; a larger one is a part of the
heart beyond slices that have no label."""

STRAY_SHARE_BESIDE: Final = 0.1
"""The same for a piece that lies apart within its slices too, where no part of a heart can be."""


def find_apart(
    labelled: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> tuple[NDArray[np.bool_], int]:
    """Find labelled voxels that lie apart from the heart, which is the largest connected piece.

    Args:
        labelled: `(x, y, z)`, slices along the last axis.
        spacing_mm: `(x, y, z)`.

    Returns:
        `(x, y, z)`, true in strays: small pieces that are no part of the heart; and how many voxels are in
        pieces as large as a heart's, but apart from it within their slices too.
    """
    strays = np.zeros(labelled.shape, np.bool_)
    if not labelled.any():
        return strays, 0
    box = bounding_box(labelled)
    pieces, count = ndimage.label(labelled[box], CONNECTED)
    if count < 2:
        return strays, 0
    numbers = np.arange(1, count + 1)
    sizes = np.bincount(pieces.ravel())[1:]
    heart = np.append(False, sizes >= STRAY_SHARE * sizes.max())[pieces]
    main = (pieces == 1 + sizes.argmax()).any(axis=2)
    away_mm = ndimage.distance_transform_edt(~heart, spacing_mm)
    beside_mm = ndimage.distance_transform_edt(~main, spacing_mm[:2])
    beside_mm = np.broadcast_to(beside_mm[..., None], pieces.shape)
    is_apart = ndimage.minimum(away_mm, pieces, numbers) > APART_MM  # no piece of the heart: those are 0 away
    is_beside = ndimage.minimum(beside_mm, pieces, numbers) > APART_MM
    is_stray = is_apart | (is_beside & (sizes < STRAY_SHARE_BESIDE * sizes.max()))
    strays[box] = np.append(False, is_stray)[pieces]
    return strays, int(sizes[is_beside & ~is_stray].sum())


def is_one_heart(label_ids: NDArray[np.uint8], slice_spacing_mm: float) -> bool:
    """Whether prepared labels are anatomically plausible, and none lies apart from the heart.

    Args:
        label_ids: `(slices, size, size)` on the prepared grid (1.5 mm in plane).
        slice_spacing_mm: distance between slice centres.
    """
    strays, beside = find_apart(label_ids.T > 0, (SPACING_MM, SPACING_MM, slice_spacing_mm))
    return not strays.any() and not beside and check_stack(label_ids).is_plausible
