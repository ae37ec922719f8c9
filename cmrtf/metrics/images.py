"""Similarity of images, diversity of sets of images, and the look of a stack as a whole.

MS-SSIM is our own: `tf.image.ssim_multiscale` would start TensorFlow in a room that does without.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cmrtf.core.labels import SCHEMA
from cmrtf.core.unknown import Unknown

SCALE_WEIGHTS: Final = np.array([0.0448, 0.2856, 0.3001, 0.2363]) / 0.8668
"""Weights of the scales, finest first: those of Wang et al. (2003) without the fifth, made to add up to 1.
At a fifth scale 128 pixels have become 8, less than the window of 11."""

WINDOW_SIGMA: Final = 1.5
WINDOW_RADIUS: Final = 5
STABILISERS: Final = (0.01, 0.03)
"""Gaussian window of 11 x 11 pixels, K1 and K2 (Wang et al., *Image quality assessment*, IEEE TIP 2004;
13:600)."""

DYNAMIC_RANGE: Final = 2.0
"""Of images in [-1, 1]."""

NUM_PAIRS: Final = 200
"""Pairs of images, drawn with replacement, over which `diversity` averages."""


def ms_ssim(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float64]:
    """Multi-scale structural similarity of pairs of images.

    Wang, Simoncelli and Bovik, *Multiscale structural similarity for image quality assessment*, Asilomar
    2003, with four scales (see `SCALE_WEIGHTS`): contrast and structure at every scale, luminance at the
    coarsest, each averaged over the image. Negative averages count as 0.

    Args:
        first: `(batch, height, width)` in [-1, 1]; 88 pixels or more each way.
        second: the images to compare with, of the same shape.

    Returns:
        `(batch,)` in [0, 1]; 1 for equal images.
    """
    a, b = first.astype(np.float64) + 1.0, second.astype(np.float64) + 1.0
    similarity = np.ones(len(a))
    for scale, weight in enumerate(SCALE_WEIGHTS):
        if scale > 0:
            a, b = _halved(a), _halved(b)
        luminance, contrast = _luminance_and_contrast(a, b)
        coarsest = scale == len(SCALE_WEIGHTS) - 1
        term = (luminance * contrast if coarsest else contrast).mean(axis=(1, 2))
        similarity *= np.maximum(term, 0.0) ** weight
    return similarity


def diversity(images: NDArray[Any], subjects: NDArray[Any], seed: int = 0) -> float:
    """Mean MS-SSIM of random pairs of images of different subjects: the lower, the more diverse.

    A generator that repeats itself has a higher value than real images (Odena et al., ICML 2017). Slices
    at different heights differ anyway; so pass one kind of slice, such as each subject's middle one,
    and compare with the same of real subjects.

    Args:
        images: `(n, height, width)` in [-1, 1].
        subjects: the subject of each image, `(n,)`; at least two subjects.
        seed: seed of the draw of pairs.
    """
    rng = np.random.default_rng(seed)
    first = rng.integers(len(images), size=NUM_PAIRS)
    second = np.array([rng.choice(np.flatnonzero(subjects != subjects[one])) for one in first])
    return float(ms_ssim(images[first], images[second]).mean())


def through_plane_change(image: NDArray[Any], label_ids: NDArray[Any], slice_spacing_mm: float) -> float:
    """Mean absolute difference of neighbouring slices per millimetre, where either has the heart.

    Noise, which differs from slice to slice, weighs more the closer slices lie: compare stacks at equal
    spacing, such as every fourth slice of a synthetic one.

    Args:
        image: `(slices, height, width)`.
        label_ids: of the same shape; 0 is the background.
        slice_spacing_mm: distance of slice centres.

    Returns:
        image units per mm; NaN if no slice or only one is given, or there is no heart.
    """
    heart = (label_ids[1:] > 0) | (label_ids[:-1] > 0)
    change = np.abs(np.diff(image.astype(np.float64), axis=0))[heart]
    return float(change.mean()) / slice_spacing_mm if change.size else math.nan


@dataclass(frozen=True)
class Intensity:
    """Brightness of the pixels of one label; both NaN if there are none.

    Args:
        mean: in image units.
        std: in image units.
    """

    mean: float
    std: float


def tissue_intensities(
    image: NDArray[Any], label_ids: NDArray[Any], unknown: Unknown = None
) -> dict[str, Intensity]:
    """Brightness of each structure of a stack, the background included.

    Args:
        image: of any shape.
        label_ids: of the same shape.
        unknown: which structures are unknown in which slices, the first axis of both; the background is that
            of the others.
    """
    intensities = {}
    for structure in SCHEMA.structures:
        mask = label_ids == SCHEMA.id_of(structure)
        if structure == "background" and unknown is not None:
            mask[unknown.any(axis=1)] = False
        values = image[mask].astype(np.float64)
        if values.size:
            intensities[structure] = Intensity(float(values.mean()), float(values.std()))
        else:
            intensities[structure] = Intensity(math.nan, math.nan)
    return intensities


def _luminance_and_contrast(
    a: NDArray[np.float64], b: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """SSIM's two factors at each position of the window that lies inside the image."""
    c1, c2 = ((k * DYNAMIC_RANGE) ** 2 for k in STABILISERS)
    mean_a, mean_b = _windowed(a), _windowed(b)
    variances = _windowed(a * a) - mean_a**2 + _windowed(b * b) - mean_b**2
    covariance = _windowed(a * b) - mean_a * mean_b
    luminance = (2.0 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    contrast = (2.0 * covariance + c2) / (variances + c2)
    return luminance, contrast


def _windowed(images: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaussian mean around each pixel whose window lies inside."""
    for axis in (1, 2):
        images = ndimage.gaussian_filter1d(images, WINDOW_SIGMA, axis=axis, radius=WINDOW_RADIUS)
    inside = slice(WINDOW_RADIUS, -WINDOW_RADIUS)
    return images[:, inside, inside]


def _halved(images: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of 2 x 2 pixels; an odd last row or column is left out."""
    batch, height, width = images.shape
    even = images[:, : height // 2 * 2, : width // 2 * 2]
    return even.reshape(batch, height // 2, 2, width // 2, 2).mean(axis=(2, 4))
