"""Straight lines through latent space."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def resample_codes(codes: NDArray[Any], num_slices: int) -> NDArray[np.float32]:
    """Linear interpolation of a stack's codes to another number of slices over the same extent.

    Args:
        codes: `(slices, dim)`, at least two slices, apex to base.
        num_slices: slices wanted; the first and last keep their codes.

    Returns:
        `(num_slices, dim)`.

    Example:
        >>> resample_codes(np.array([[0.0], [3.0]]), 4)[:, 0].tolist()
        [0.0, 1.0, 2.0, 3.0]
    """
    positions = np.linspace(0.0, len(codes) - 1.0, num_slices)
    low = np.minimum(positions.astype(int), len(codes) - 2)
    fraction = (positions - low)[:, None]
    return ((1.0 - fraction) * codes[low] + fraction * codes[low + 1]).astype(np.float32)


def walk_weights(num_subjects: int) -> list[float]:
    """Weights of the subjects between A (0) and B (1), evenly spaced, both ends left out.

    Example:
        >>> walk_weights(3)
        [0.25, 0.5, 0.75]
    """
    return [k / (num_subjects + 1) for k in range(1, num_subjects + 1)]


def between(first: Any, second: Any, weight: float) -> Any:
    """`(1 - weight) * first + weight * second`."""
    return (1.0 - weight) * first + weight * second
