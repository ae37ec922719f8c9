"""From a raw stack to one that a network can read, and back.

One geometry serves all phases of a subject: 1.5 mm along the file's own x and y, 128 x 128 around the
heart, every slice of the file, apex first. It is stored, so every output can be put back on its source.
"""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.geometry import Geometry, bounding_box, spacing_mm
from cmrtf.core.labels import SCHEMA
from cmrtf.core.resampling import inside, resample_image, resample_labels
from cmrtf.core.unknown import Unknown
from cmrtf.errors import FileError

PREPARATION_VERSION = 4
"""To be raised when stacks, or what is known of them, come out differently: older ones are then prepared
again."""

SPACING_MM = 1.5
"""In-plane pixel of a prepared stack."""

SIZE = 128
"""Its height and width in pixels."""

PERCENTILES = (1.0, 99.0)
"""Of the source values around the heart: they become -1 and 1."""


def crop_geometry(heart: NDArray[np.bool_], affine: NDArray[np.float64], stack_flipped: bool) -> Geometry:
    """The prepared grid around a heart.

    Args:
        heart: `(x, y, z)`, where any phase has a label.
        affine: `(4, 4)`, source voxel index to scanner millimetres.
        stack_flipped: whether the source is stored base first.
    """
    to_source = np.eye(4)
    spacing = spacing_mm(affine)
    for axis, extent in enumerate(bounding_box(heart)[:2]):
        step = SPACING_MM / spacing[axis]
        centre = round((extent.start + extent.stop - 1) / 2) + _tie_free_offset(step)
        to_source[axis, axis] = step
        to_source[axis, 3] = centre - step * (SIZE // 2)
    num_slices = heart.shape[2]
    if stack_flipped:
        to_source[2, 2:] = -1.0, num_slices - 1.0
    x, y, z = heart.shape
    return Geometry((x, y, z), affine, (SIZE, SIZE, num_slices), to_source)


def is_cut(heart: NDArray[np.bool_], geometry: Geometry) -> bool:
    """Whether a heart, `(x, y, z)` of the source, reaches beyond the prepared grid."""
    for axis, extent in enumerate(bounding_box(heart)[:2]):
        positions = _positions(geometry, axis)
        if extent.start < positions[0] - 0.5 or extent.stop - 1 > positions[-1] + 0.5:
            return True
    return False


def restore_intensity(image: NDArray[Any], window: tuple[float, float]) -> NDArray[np.float32]:
    """Bring values in [-1, 1] back to the source's units.

    Args:
        image: any shape, in [-1, 1].
        window: the source values of -1 and 1.
    """
    low, high = window
    return (low + (np.asarray(image, dtype=np.float32) + 1) / 2 * (high - low)).astype(np.float32)


def to_nifti_order(stack: NDArray[Any]) -> NDArray[Any]:
    """`(slices, height, width)` to NIfTI's `(x, y, z)`, and the other way round."""
    return stack.transpose(2, 1, 0)


def prepare_labels(label_ids: NDArray[np.uint8], geometry: Geometry) -> NDArray[np.uint8]:
    """Labels on the prepared grid, slices first.

    Args:
        label_ids: `(x, y, z)` of the source, in `SCHEMA`'s order.
        geometry: where the prepared stack lies.

    Returns:
        `(slices, height, width)`.
    """
    x, y, slices = _sampling(geometry)
    resampled = resample_labels(label_ids[..., slices], x, y, SCHEMA.num_classes)
    return np.ascontiguousarray(to_nifti_order(resampled))


def prepare_image(
    image: NDArray[Any], geometry: Geometry, source: Path
) -> tuple[NDArray[np.float32], tuple[float, float]]:
    """An image on the prepared grid, slices first, in [-1, 1], and its intensity window.

    Args:
        image: `(x, y, z)` of the source.
        geometry: where the prepared stack lies.
        source: the file to name in the message.

    Raises:
        CmrtfError: the image has no contrast there.
    """
    x, y, slices = _sampling(geometry)
    resampled = resample_image(image[..., slices], x, y)
    covered = np.outer(inside(x, image.shape[0]), inside(y, image.shape[1]))
    low, high = (float(value) for value in np.percentile(resampled[covered], PERCENTILES))
    if not low < high:
        raise FileError(
            source,
            f"expected contrast around the heart. "
            f"Received: the value {low:g} from the 1st to the 99th percentile.",
        )
    resampled[~covered] = low
    scaled = np.clip((resampled - low) / (high - low), 0.0, 1.0) * 2.0 - 1.0
    return np.ascontiguousarray(to_nifti_order(scaled), dtype=np.float32), (low, high)


def place_on_source(stack: NDArray[np.float32], geometry: Geometry) -> NDArray[np.float32]:
    """A prepared image stack back on the voxels of its source; -1 where the stack does not reach.

    Args:
        stack: `(slices, height, width)` in [-1, 1].
        geometry: where it lies.

    Returns:
        `(x, y, z)` of the source.
    """
    to_prepared = np.linalg.inv(geometry.to_source)
    x, y = (
        to_prepared[axis, 3] + to_prepared[axis, axis] * np.arange(geometry.source_shape[axis])
        for axis in (0, 1)
    )
    placed = resample_image(to_nifti_order(stack), x, y)[..., _slice_order(geometry)]
    covered = np.outer(inside(x, stack.shape[2]), inside(y, stack.shape[1]))
    placed[~covered] = -1.0
    return np.clip(placed, -1.0, 1.0)


def prepare_unknown(unknown: Unknown, geometry: Geometry) -> Unknown:
    """What is unknown of a source's slices, in the order of the prepared ones."""
    return None if unknown is None else np.ascontiguousarray(unknown[_slice_order(geometry)])


def is_base_first(geometry: Geometry) -> bool:
    """Whether the source of a prepared stack is stored from base to apex."""
    return _slice_order(geometry).step < 0


def _sampling(geometry: Geometry) -> tuple[NDArray[np.float64], NDArray[np.float64], slice]:
    """Source indices of the prepared pixels along x and y, and the order of the slices."""
    return _positions(geometry, 0), _positions(geometry, 1), _slice_order(geometry)


def _slice_order(geometry: Geometry) -> slice:
    """Turns source slices into prepared ones, and back."""
    return slice(None, None, int(geometry.to_source[2, 2]))


def _positions(geometry: Geometry, axis: int) -> NDArray[np.float64]:
    """Source indices of the prepared pixels along x or y."""
    start, step = geometry.to_source[axis, 3], geometry.to_source[axis, axis]
    return start + step * np.arange(geometry.shape[axis])


def _tie_free_offset(step: float) -> float:
    """Where between two source pixels to start, so that no later pixel falls midway between two.

    There both have a half, and a structure would always lose its edge to the smaller label id: with
    source pixels of 1 mm, at every other pixel. Steps of n/q hit q places between two source pixels;
    they are placed symmetrically about the midway. A source of 1.5 mm is copied, not blurred.
    """
    q = Fraction(step).limit_denominator(8).denominator
    return 0.0 if q % 2 else 0.5 / q
