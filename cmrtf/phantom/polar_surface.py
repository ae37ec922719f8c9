"""Surfaces round the long axis of a heart, sampled in polar coordinates, and what they are built from.

A surface is a radius in mm over levels along the axis and `NUM_ANGLES` angles round it; a level is a height
as a share of the LV's length, 0 at the endocardial apex and 1 at the base.
"""

import numpy as np
from numpy.typing import NDArray

from cmrtf.phantom.raster import FloatArray, smooth_noise

NUM_ANGLES = 360
"""Samples of a surface round the long axis: 0.6 mm apart on a large heart."""

ANGLES_RAD = (np.arange(NUM_ANGLES, dtype=np.float32) + 0.5) * np.float32(
    2 * np.pi / NUM_ANGLES
) - np.float32(np.pi)
"""Angle of each sample, -180 to 180 degrees."""

EQUATOR = 0.8
"""Widest level of the LV (truncated ellipsoid; the value is recalled)."""

NO_SURFACE_MM = np.float32(-10.0)
"""Radius of a surface where it does not exist: well inside the axis, so that nothing gets painted."""

Waves = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]
"""Orders, amplitudes and phases of angular harmonics."""


def ellipsoid(levels: FloatArray) -> FloatArray:
    """Relative radius of an ellipsoid truncated at level 1: 1 at the equator, 0 below the apex."""
    return np.sqrt(np.clip(1 - (1 - np.clip(levels, 0, 1) / np.float32(EQUATOR)) ** 2, 0, 1))


def draw_waves(rng: np.random.Generator, orders: tuple[int, ...], deviations: tuple[float, ...]) -> Waves:
    """Draw normal amplitudes of the given deviations, and uniform phases."""
    return np.array(orders), rng.normal(0, deviations), rng.uniform(-np.pi, np.pi, len(orders))


def harmonics(waves: Waves, angles_rad: FloatArray) -> FloatArray:
    """Sum of the waves at angles of any shape."""
    total = np.zeros_like(angles_rad)
    for order, amplitude, phase in zip(*waves, strict=True):
        total += np.float32(amplitude) * np.cos(np.float32(order) * angles_rad - np.float32(phase))
    return total


def lobe(centre_rad: float, sharpness: float) -> FloatArray:
    """A bump of height 1 round an angle, `(NUM_ANGLES,)` (von Mises shape)."""
    return np.exp(np.float32(sharpness) * (np.cos(ANGLES_RAD - np.float32(centre_rad)) - 1))


def smooth_step(values: FloatArray, low: float, high: float) -> FloatArray:
    """0 up to `low`, 1 from `high` on, a cubic without kinks in between."""
    ramp = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    return ramp * ramp * (3 - 2 * ramp)


def wall_noise(rng: np.random.Generator, level_sigma: float, angle_sigma_deg: float) -> FloatArray:
    """Noise of unit deviation on the wall, `(24 levels, NUM_ANGLES)`."""
    return smooth_noise(rng, (24, NUM_ANGLES), (level_sigma, angle_sigma_deg), wrap_last_axis=True)


def at_levels(table: FloatArray, levels: FloatArray) -> FloatArray:
    """Rows of a table at levels, interpolated linearly.

    Args:
        table: `(rows, angles)`, evenly spaced from level 0 to level 1.
        levels: `(n,)` from 0 to 1.

    Returns:
        `(n, angles)`.
    """
    position = levels * np.float32(len(table) - 1)
    low = np.minimum(position.astype(np.intp), len(table) - 2)
    share = (position - low.astype(np.float32))[:, None]
    return (1 - share) * table[low] + share * table[low + 1]
