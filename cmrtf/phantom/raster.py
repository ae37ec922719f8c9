"""Painting continuous shapes onto sample planes with soft edges."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

FloatArray = NDArray[np.floating[Any]]
"""Single precision throughout: that is plenty for 0.1 mm, and twice as fast."""


class Canvas:
    """The signal on one sample plane, painted from back to front.

    Args:
        values: `(height, width)` signal to start from; painted in place.
        signals: signal by tissue name.
        pixel_mm: pixel size.
    """

    def __init__(self, values: FloatArray, signals: Mapping[str, float], pixel_mm: float) -> None:
        self.values, self.signals, self.pixel_mm = values, signals, pixel_mm

    def fill(self, depth_mm: FloatArray, tissue: str | FloatArray) -> None:
        """Fill a shape.

        A straight edge that passes a square pixel's centre at distance d covers about `1/2 + d / pixel` of
        it: the partial volume within the plane, without supersampling.

        Args:
            depth_mm: `(height, width)` distance to the shape's surface, positive inside.
            tissue: a tissue's name, or signal values `(height, width)`.
        """
        if depth_mm.max() > -0.5 * self.pixel_mm:
            self.blend(np.clip(depth_mm / np.float32(self.pixel_mm) + np.float32(0.5), 0, 1), tissue)

    def blend(self, share: FloatArray, tissue: str | FloatArray) -> None:
        """Replace a share (0 to 1) of each pixel."""
        value = np.float32(self.signals[tissue]) if isinstance(tissue, str) else tissue
        self.values += share * (value - self.values)


def ellipsoid_depth(
    offsets_mm: tuple[FloatArray, FloatArray, FloatArray], radii_mm: tuple[float, float, float]
) -> FloatArray:
    """Approximate depth under the surface of an axis-aligned ellipsoid (exact for a sphere).

    Args:
        offsets_mm: coordinates relative to the centre, broadcastable to each other.
        radii_mm: semi-axes.
    """
    x, y, z = (offset / np.float32(radius) for offset, radius in zip(offsets_mm, radii_mm, strict=True))
    return (np.float32(1) - np.sqrt(x * x + y * y + z * z)) * np.float32(min(radii_mm))


def smooth_noise(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    sigma: tuple[float, ...],
    wrap_last_axis: bool = False,
) -> FloatArray:
    """Gaussian-filtered white noise of zero mean and unit standard deviation.

    Args:
        rng: source of randomness.
        shape: of the field.
        sigma: correlation length along each axis, in samples.
        wrap_last_axis: make the ends of the last axis, an angle, fit together.
    """
    noise = rng.standard_normal(shape, dtype=np.float32)
    for axis, samples in enumerate(sigma):
        is_angle = wrap_last_axis and axis == len(shape) - 1
        mode: Literal["wrap", "nearest"] = "wrap" if is_angle else "nearest"
        noise = gaussian_filter1d(noise, samples, axis=axis, mode=mode, truncate=3.0)
    return (noise - noise.mean()) / noise.std()
