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
from cmrtf.layers.label_neighbourhoods import fits_in_int64

BATCH, CHANNELS, HIDDEN = 4, 32, 64


@dataclass(frozen=True)
class Axis:
    """What varies.

    Args:
        label: of the plot's axis.
        values: from least to most.
        labels: the label maps for a value, from labelled slices.
        num_classes: their number for a value.
        log: whether the axis is logarithmic.
    """

    label: str
    values: Sequence[float]
    labels: Callable[[NDArray[np.uint8], Any], NDArray[np.uint8]]
    num_classes: Callable[[Any], int] = lambda value: SCHEMA.num_classes
    log: bool = True


AXES = {
    "classes": Axis(
        "classes", (2, 3, 4, 5, 6), lambda ids, k: with_classes(take(ids, BATCH), k), lambda k: k, log=False
    ),
    "resolution": Axis(
        "height and width, pixels",
        (16, 32, 64, 128, 256),
        lambda ids, size: with_size(take(ids, BATCH), size),
    ),
    "batch": Axis("batch", (1, 2, 4, 8, 16, 32), take),
    "jaggedness": Axis(
        "share of pixels with a random label",
        (0.0, 0.01, 0.05, 0.2, 1.0),
        lambda ids, share: with_noise(take(ids, BATCH), share),
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
    label_ids, classes = axis.labels(material.slices.label_ids, value), axis.num_classes(value)
    calls = {
        form: SPADECalls(label_ids, form, FLOAT32, classes, CHANNELS, HIDDEN).forward_backward
        for form in ("distinct", "dense")
    }
    timings = interleave(calls, effort)
    return {
        "value": value,
        "falls_back": not fits_in_int64(classes),
        **{form: timing.median_ms for form, timing in timings.items()},
    }
