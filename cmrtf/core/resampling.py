"""In-plane resampling of whole stacks by two small matrix products.

The source and target axes are parallel, so interpolation separates: one `(targets, sources)` matrix
of kernel weights for x and one for y. When the target is coarser the kernels are stretched to its
pixel, which averages instead of aliasing.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Kernel = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def resample_image(
    image: NDArray[Any], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Sample an image with an anti-aliased cubic kernel (Keys, IEEE TASSP 29(6), 1981; a = -1/2).

    Args:
        image: `(source x, source y, z)`.
        x: `(target x,)` evenly spaced source indices, fractions allowed.
        y: `(target y,)` likewise.

    Returns:
        `(target x, target y, z)`; 0 outside the source.
    """
    return _apply(_weights(_cubic, x, image.shape[0]), _weights(_cubic, y, image.shape[1]), image)


def resample_labels(
    label_ids: NDArray[np.uint8], x: NDArray[np.float64], y: NDArray[np.float64], num_classes: int
) -> NDArray[np.uint8]:
    """Interpolate each class mask linearly and let the largest win, so that no new value appears.

    Args:
        label_ids: `(source x, source y, z)`.
        x: `(target x,)` evenly spaced source indices, fractions allowed.
        y: `(target y,)` likewise.
        num_classes: number of label ids, the background included.

    Returns:
        `(target x, target y, z)`; 0 outside the source.
    """
    to_x, to_y = _weights(_linear, x, label_ids.shape[0]), _weights(_linear, y, label_ids.shape[1])
    # Where the kernels reach no structure there is background: only the heart's box needs products.
    near_x = to_x[:, label_ids.any(axis=(1, 2))].any(axis=1)
    near_y = to_y[:, label_ids.any(axis=(0, 2))].any(axis=1)
    to_x, to_y = to_x[near_x], to_y[near_y]
    shares = np.stack([_apply(to_x, to_y, label_ids == label) for label in range(num_classes)])
    resampled = np.zeros((len(x), len(y), label_ids.shape[2]), np.uint8)
    resampled[np.ix_(near_x, near_y)] = shares.argmax(axis=0)
    return resampled


def inside(at: NDArray[np.float64], size: int) -> NDArray[np.bool_]:
    """Which source indices fall on one of `size` pixels."""
    return (at >= -0.5) & (at <= size - 0.5)


def _apply(to_x: NDArray[np.float32], to_y: NDArray[np.float32], volume: NDArray[Any]) -> NDArray[np.float32]:
    """Multiply x and y of an `(x, y, z)` volume by their weights."""
    used_x, used_y = to_x.any(axis=0), to_y.any(axis=0)
    needed = volume[used_x][:, used_y].astype(np.float32)
    return to_y[:, used_y] @ np.tensordot(to_x[:, used_x], needed, axes=1)


def _weights(kernel: Kernel, at: NDArray[np.float64], size: int) -> NDArray[np.float32]:
    """`(targets, size)` interpolation weights; rows sum to 1, or to 0 outside the source."""
    stretch = max(1.0, float(at[1] - at[0]))
    weights = kernel(np.abs(at[:, None] - np.arange(size)) / stretch)
    # At the border the kernel hangs over the edge; what is left of it is scaled up again.
    weights /= np.where(inside(at, size), weights.sum(axis=1), np.inf)[:, None]
    return weights.astype(np.float32)


def _linear(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Triangle of half-width 1."""
    return np.maximum(0.0, 1.0 - distance)


def _cubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' cubic convolution kernel of half-width 2."""
    near = (1.5 * distance - 2.5) * distance**2 + 1.0
    far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    return np.where(distance <= 1.0, near, np.where(distance < 2.0, far, 0.0))
