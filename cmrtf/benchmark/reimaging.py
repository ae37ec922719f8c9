"""The same patients as another scanner might show them: a domain that no arm was trained on.

Nothing of it is drawn from what any arm learns from: contrast, blur, noise and a coil's field are a fixed
recipe with a seed, applied to the images themselves.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cmrtf.core.subject import Subject

SEED: Final = 20
"""Of the recipe: the same patients look the same in every benchmark."""

GAMMA: Final = (0.6, 1.7)
RESOLUTION: Final = (0.5, 0.8)
"""Pixels that are left of each along an axis, before they are interpolated again."""

NOISE: Final = (0.04, 0.10)
"""Deviation of the two channels of Rician noise, of a range of 1."""

FIELD: Final = (0.45, 1.0)
"""Sensitivity of the coil in the far corner, and in the near one."""


def reimage(subjects: Sequence[Subject]) -> list[Subject]:
    """Every subject in a contrast, a resolution, a coil's field and noise of its own.

    Args:
        subjects: with images in [-1, 1].
    """
    return [
        _reimaged(subject, np.random.default_rng([SEED, number])) for number, subject in enumerate(subjects)
    ]


def _reimaged(subject: Subject, rng: np.random.Generator) -> Subject:
    gamma, noise = rng.uniform(*GAMMA), rng.uniform(*NOISE)
    resolution = rng.uniform(*RESOLUTION)
    field = _coil_field(next(iter(subject.stacks.values())).image.shape[1:], rng.uniform(0.0, 2.0 * np.pi))
    stacks = {}
    for phase, stack in subject.stacks.items():
        unit = ((stack.image + 1.0) / 2.0) ** gamma
        coarse = ndimage.zoom(unit, (1.0, resolution, resolution), order=1, mode="nearest")
        back = np.array(unit.shape) / np.array(coarse.shape)
        seen = np.clip(ndimage.zoom(coarse, back, order=3, mode="nearest"), 0.0, None) * field
        real, imaginary = noise * rng.standard_normal((2, *seen.shape))
        magnitude = np.hypot(seen + real, imaginary)
        low, high = np.percentile(magnitude, (1.0, 99.0))
        image = np.clip((magnitude - low) / (high - low) * 2.0 - 1.0, -1.0, 1.0)
        stacks[phase] = stack.with_image(image.astype(np.float32))
    return subject.with_stacks(stacks)


def _coil_field(shape: tuple[int, ...], angle: float) -> NDArray[np.float64]:
    """A field that falls across the image, in a direction."""
    y, x = (np.linspace(-1.0, 1.0, size) for size in shape)
    along = (np.cos(angle) * x[None, :] + np.sin(angle) * y[:, None]) / np.sqrt(2.0)
    low, high = FIELD
    return low + (high - low) * (along + 1.0) / 2.0
