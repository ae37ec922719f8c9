"""Appearances of no patient in particular."""

import numpy as np
from numpy.typing import NDArray


def draw_styles(known: NDArray[np.float32], count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw style codes from the normal distribution that has mean and covariance of known ones.

    Each is the mean plus a random combination of all deviations from it, so none is one patient's, nor
    half of two. (The prior of the style encoder would do if its posterior filled it, which is never
    quite so.)

    Args:
        known: one code per subject, `(subjects, style_dim)`, at least two.
        count: how many to draw.
        rng: draws.

    Returns:
        `(count, style_dim)`.
    """
    mean = known.mean(axis=0)
    weights = rng.standard_normal((count, len(known))) / np.sqrt(len(known) - 1)
    return (mean + weights @ (known - mean)).astype(np.float32)
