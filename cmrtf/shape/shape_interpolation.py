"""Label slices between two label slices, without a model.

Shape-based interpolation (Raya and Udupa, *Shape-based interpolation of multidimensional objects*,
IEEE TMI 1990; 9:32) carries signed distances to the outlines from one slice to the other, here for
several classes at once: each class, the background included, has its own, and the largest wins.
Also exact ends: what a model gets wrong of the slices that it walks between (`residuals`), interpolated
like their codes and added to what it decodes (`add_residuals`), makes a walk pass through the true slices.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cmrtf.shape import signed_distance

LIMIT_PIXELS: Final = 12.0
"""Where signed distances stop (18 mm of a prepared stack). A class that is absent has no outline and is
taken to lie that far away everywhere, so on the way to it a structure shrinks from its outline inwards.
Dice of slices left out of 40 ACDC patients changes by 0.003 at most between 8 pixels and no limit for
LV and MYO, and by 0.006 for RV."""


def nearest(first: NDArray[Any], second: NDArray[Any], fractions: Sequence[float]) -> NDArray[Any]:
    """The nearer of two slices; half way the second, which shows more of the heart where the apex is first.

    Args:
        first: label ids, `(height, width)`.
        second: label ids of the same shape.
        fractions: where the `n` wanted slices lie, 0 first to 1 second.

    Returns:
        label ids, `(n, height, width)`.
    """
    return np.stack([first if fraction < 0.5 else second for fraction in fractions])


def shape_based(
    first: NDArray[Any], second: NDArray[Any], fractions: Sequence[float], num_classes: int
) -> NDArray[np.uint8]:
    """Shape-based interpolation of two slices.

    Args:
        first: label ids, `(height, width)`.
        second: label ids of the same shape.
        fractions: where the `n` wanted slices lie, 0 first to 1 second.
        num_classes: how many label ids there are, the background included.

    Returns:
        label ids, `(n, height, width)`: the first at 0, the second at 1.
    """
    ends = signed_distances(first, num_classes), signed_distances(second, num_classes)
    return _winners(_between(*ends, fractions))


def residuals(label_ids: NDArray[Any], decoded: NDArray[Any], num_classes: int) -> NDArray[np.float32]:
    """What a model misses of slices: signed distances of the true labels minus those of its own.

    Args:
        label_ids: the true labels, `(slices, height, width)`.
        decoded: what the model makes of them, of the same shape.
        num_classes: how many label ids there are, the background included.

    Returns:
        `(slices, num_classes * height * width)`: a row per slice, to be interpolated as codes are.
    """
    missed = _distances(label_ids, num_classes) - _distances(decoded, num_classes)
    return missed.reshape(len(label_ids), -1)


def add_residuals(decoded: NDArray[Any], missed: NDArray[np.float32], num_classes: int) -> NDArray[np.uint8]:
    """Give a model's slices what it misses of them.

    Args:
        decoded: label ids, `(slices, height, width)`.
        missed: a row of residuals for each slice.
        num_classes: how many label ids there are, the background included.

    Returns:
        label ids of the same shape; the true ones where `missed` is what `residuals` found there.
    """
    distances = _distances(decoded, num_classes)
    return _winners(distances + missed.reshape(distances.shape))


def signed_distances(label_ids: NDArray[Any], num_classes: int) -> NDArray[np.float32]:
    """`cmrtf.shape.signed_distance` of one slice, within +-`LIMIT_PIXELS`."""
    return signed_distance.signed_distances(label_ids, num_classes, LIMIT_PIXELS)


def _distances(label_ids: NDArray[Any], num_classes: int) -> NDArray[np.float32]:
    """`(slices, num_classes, height, width)`."""
    return np.stack([signed_distances(each, num_classes) for each in label_ids])


def _between(
    first: NDArray[np.float32], second: NDArray[np.float32], fractions: Sequence[float]
) -> NDArray[np.float32]:
    """`(n, classes, height, width)` between two fields `(classes, height, width)`."""
    weight = np.asarray(fractions, np.float32)[:, None, None, None]
    return (1.0 - weight) * first + weight * second


def _winners(distances: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The class with the largest distance of `(n, classes, height, width)`; of equals, the lowest id."""
    return distances.argmax(axis=1).astype(np.uint8)
