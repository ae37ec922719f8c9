"""How a SPADE layer's forward and backward grow with classes, resolution, batch and jagged labels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from contenders import FLOAT32, SPADECalls
from labels import Material, take, with_classes, with_noise, with_size
from numpy.typing import NDArray
from timing import Effort, interleave

from cmrtf.core.labels import SCHEMA
from cmrtf.training.input_pipeline import Slices

BATCH, CHANNELS, HIDDEN = 4, 32, 64


@dataclass(frozen=True)
class Axis:
    """What varies.

    Args:
        label: of the plot's axis.
        values: from least to most.
        labels: the label maps for a value, from labelled slices with their images.
        num_classes: their number for a value.
        log: whether the axis is logarithmic.
    """

    label: str
    values: Sequence[float]
    labels: Callable[[Slices, Any], NDArray[np.uint8]]
    num_classes: Callable[[Any], int] = lambda value: SCHEMA.num_classes
    log: bool = True


AXES = {
    "classes": Axis(
        "classes",
        (2, 3, 4, 6, 9, 16),
        lambda slices, k: with_classes(take(slices.label_ids, BATCH), take(slices.image, BATCH), k),
        lambda k: k,
        log=False,
    ),
    "resolution": Axis(
        "height and width, pixels",
        (16, 32, 64, 128, 256),
        lambda slices, size: with_size(take(slices.label_ids, BATCH), size),
    ),
    "batch": Axis("batch", (1, 2, 4, 8, 16, 32), lambda slices, batch: take(slices.label_ids, batch)),
    "jaggedness": Axis(
        "share of pixels with a random label",
        (0.0, 0.01, 0.05, 0.2, 1.0),
        lambda slices, share: with_noise(take(slices.label_ids, BATCH), share),
        log=False,
    ),
}


def measure_growth(material: Material, effort: Effort) -> dict[str, Any]:
    """Milliseconds of both forms at each value of each axis."""
    return {
        name: [_measure(axis, value, material, effort) for value in axis.values]
        for name, axis in AXES.items()
    }


def _measure(axis: Axis, value: float, material: Material, effort: Effort) -> dict[str, Any]:
    label_ids, classes = axis.labels(material.slices, value), axis.num_classes(value)
    calls = {
        form: SPADECalls(label_ids, form, FLOAT32, classes, CHANNELS, HIDDEN).forward_backward
        for form in ("distinct", "dense")
    }
    timings = interleave(calls, effort)
    return {
        "value": value,
        **{form: timing.median_ms for form, timing in timings.items()},
    }
