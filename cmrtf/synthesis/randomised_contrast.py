"""Images in a contrast that no scanner has: every tissue in a brightness drawn at random.

Domain randomisation needs no trained network. A segmenter that learns from it cannot rely on how bright
anything is, so it is the rival that a generator has to beat, and helps where scanners differ most.

Reference:
    Billot et al., SynthSeg, Medical Image Analysis 2023 (https://arxiv.org/abs/2107.09559); that clusters of
    the background's intensities are to be classes too: Zalevskyi et al. (https://arxiv.org/abs/2411.06842).
"""

import warnings
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.cluster.vq import kmeans2

from cmrtf.core.labels import SCHEMA
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject

SYNTHETIC, RANDOMISED, MIXED = IMAGES = "synthetic", "randomised", "mixed"
"""What images of new subjects are like: the GAN's, in random contrasts, or every second one in one."""

NUM_TISSUES = 5
"""Classes of brightness around the heart: lung and air; muscle, liver and vessels in three; fat."""

CONTEXT_SIGMA_PX = 1.5
"""Of the Gaussian that takes the noise away before tissues are told apart."""

SAMPLE_STEP = 4
"""Tissues are told apart by every fourth pixel of every fourth row."""

MAX_DEVIATION = 0.12
"""Of the brightness within a tissue, of a range of 1."""

BLUR_PX = (0.4, 1.2)
BIAS_NODES = 4
BIAS_DEVIATION = 0.25
"""Of the logarithm of a smooth field that multiplies the image."""

GAMMA_DEVIATION = 0.3
"""Of the logarithm of the exponent."""

PERCENTILES = (1.0, 99.0)
"""Become -1 and 1, as in every prepared image."""


def with_images(subject: Subject, images: str, number: int, rng: np.random.Generator) -> Subject:
    """A new subject with images of the kind that is wanted.

    Args:
        subject: with images of the GAN.
        images: one of `IMAGES`.
        number: of the subject; of mixed ones those with an even number are randomised.
        rng: draws the contrast.

    Returns:
        the subject; in a random contrast it is of no vendor and no centre.
    """
    if images == RANDOMISED or (images == MIXED and number % 2 == 0):
        return replace(randomise_contrast(subject, rng), vendor="", centre="")
    return subject


def randomise_contrast(subject: Subject, rng: np.random.Generator) -> Subject:
    """The same labels and the same surroundings, in one contrast drawn for all slices of both phases.

    What surrounds the heart is taken from the subject's images, as classes of brightness; nothing else of
    them is left.

    Args:
        subject: with images and labels.
        rng: draws.
    """
    classes = tissue_maps(subject.stacks)
    num_classes = SCHEMA.num_classes + NUM_TISSUES
    brightness = rng.uniform(0.0, 1.0, num_classes)
    deviation = rng.uniform(0.0, MAX_DEVIATION, num_classes)
    blur_px = rng.uniform(*BLUR_PX)
    field = np.exp(_smooth_field(next(iter(classes.values())).shape[1:], rng))
    gamma = np.exp(rng.normal(0.0, GAMMA_DEVIATION))
    stacks = {}
    for phase, stack in subject.stacks.items():
        ids = classes[phase]
        image = brightness[ids] + deviation[ids] * rng.standard_normal(ids.shape)
        image = ndimage.gaussian_filter(image, (0.0, blur_px, blur_px), mode="nearest")
        stacks[phase] = stack.with_image(_to_window(np.clip(image, 0.0, None) ** gamma * field))
    return subject.with_stacks(stacks)


def tissue_maps(stacks: Mapping[str, Stack]) -> dict[str, NDArray[np.intp]]:
    """The labels, and in place of the background classes of brightness, from dark to bright.

    Args:
        stacks: of a subject, by phase; all have the same tissues.

    Returns:
        by phase, `(slices, size, size)`, the label ids of the heart, and from the number of label ids on the
        `NUM_TISSUES` classes.
    """
    smoothed = {
        phase: ndimage.gaussian_filter(
            stack.image.astype(np.float64), (0.0, CONTEXT_SIGMA_PX, CONTEXT_SIGMA_PX), mode="nearest"
        )
        for phase, stack in stacks.items()
    }
    sample = np.concatenate(
        [
            smoothed[phase][:, ::SAMPLE_STEP, ::SAMPLE_STEP][
                stack.label_ids[:, ::SAMPLE_STEP, ::SAMPLE_STEP] == 0
            ]
            for phase, stack in stacks.items()
        ]
    )
    start = np.quantile(sample, (np.arange(NUM_TISSUES) + 0.5) / NUM_TISSUES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class that nothing belongs to stays where it began
        centres = np.sort(kmeans2(sample, start, minit="matrix")[0].ravel())
    borders = (centres[1:] + centres[:-1]) / 2.0
    return {
        phase: np.where(
            stack.label_ids > 0,
            stack.label_ids.astype(np.intp),
            SCHEMA.num_classes + np.digitize(smoothed[phase], borders),
        )
        for phase, stack in stacks.items()
    }


def _smooth_field(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """A few random nodes, interpolated by splines."""
    nodes = rng.normal(0.0, BIAS_DEVIATION, (BIAS_NODES, BIAS_NODES))
    return np.asarray(ndimage.zoom(nodes, [size / BIAS_NODES for size in shape], order=3, mode="nearest"))


def _to_window(image: NDArray[np.float64]) -> NDArray[np.float32]:
    low, high = np.percentile(image, PERCENTILES)
    scaled = (image - low) / max(high - low, np.finfo(np.float32).eps) * 2.0 - 1.0
    return np.clip(scaled, -1.0, 1.0).astype(np.float32)
