"""Whether synthetic images give away the patients whom a model was trained on.

Two questions, both asked with distances to the closest record (`nearest`) and answered by `chance_closer`:

* *membership*: can one tell who was in training? The attack calls those members who lie close to a synthetic
  record (Chen et al., *GAN-Leaks*, ACM CCS 2020): members' distances to the synthetic set against those of
  people who were not in training. 0.5 is a guess; an interval that lies above it is a leak.
* *copying*: do synthetic images lie closer to the training images than new patients do (Meehan et al., *A
  non-parametric test to detect data-copying in generative models*, AISTATS 2020)? Blurred images lie close to
  everything: look at the `nearest_twins` before calling it a copy.

Images come as rows of numbers, pixels or features. Being found harmless here is no proof of anonymity: other
features or another attack may find more.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import bootstrap, rankdata

from cmrtf.metrics.bootstrap import CONFIDENCE_LEVEL, SEED, Estimate

RESAMPLES_AT_A_TIME: Final = 200
"""Keeps the bootstrap of ten thousand records within 100 MB."""


@dataclass(frozen=True)
class Nearest:
    """The closest reference of each query.

    Args:
        distances: Euclidean, `(n,)`.
        indices: which reference it is, `(n,)`.
    """

    distances: NDArray[np.float64]
    indices: NDArray[np.intp]


def nearest(queries: NDArray[Any], references: NDArray[Any]) -> Nearest:
    """Find the closest reference of each query.

    Args:
        queries: `(n, dim)`.
        references: `(m, dim)`.
    """
    q, r = queries.astype(np.float64), references.astype(np.float64)
    # |q - r|^2 without |q|^2, as one matrix product; good enough to choose, but not for the distance
    # of a copy, which should be 0.
    indices = (np.square(r).sum(axis=1) - 2.0 * q @ r.T).argmin(axis=1)
    return Nearest(np.linalg.norm(q - r[indices], axis=1), indices)


def chance_closer(first: ArrayLike, second: ArrayLike) -> Estimate:
    """Chance that a distance of the first kind is smaller than one of the second; ties count by half.

    The Mann-Whitney statistic, that is the area under the ROC curve, with the percentile interval of
    the bootstrap over both kinds. Distances should be independent: of the slices of a subject give the
    mean, or the interval is too narrow.

    Args:
        first: distances, `(n,)`, at least one.
        second: distances, `(m,)`, at least one.

    Returns:
        `mean` is the mean over all pairs, `n` the number of distances of both kinds.
    """
    samples = np.asarray(first, np.float64), np.asarray(second, np.float64)
    n = sum(len(sample) for sample in samples)
    chance = float(_share_of_pairs(*samples, axis=0))
    if min(len(sample) for sample in samples) == 1:
        return Estimate(chance, float("nan"), float("nan"), n)
    interval = bootstrap(
        samples,
        _share_of_pairs,
        method="percentile",
        vectorized=True,
        batch=RESAMPLES_AT_A_TIME,
        confidence_level=CONFIDENCE_LEVEL,
        random_state=np.random.default_rng(SEED),
    ).confidence_interval
    return Estimate(chance, float(interval.low), float(interval.high), n)


def nearest_twins(synthetic: NDArray[Any], training: NDArray[Any], count: int) -> NDArray[np.intp]:
    """The synthetic images that lie closest to a training image, to be looked at side by side.

    Args:
        synthetic: `(n, dim)`.
        training: `(m, dim)`.
        count: how many pairs, at most `n`.

    Returns:
        `(count, 2)`: indices of synthetic and training image, the closest pair first.
    """
    twins = nearest(synthetic, training)
    closest = np.argsort(twins.distances, kind="stable")[:count]
    return np.stack([closest, twins.indices[closest]], axis=1)


def _share_of_pairs(first: NDArray[Any], second: NDArray[Any], axis: int) -> NDArray[np.float64]:
    """Share of pairs with the first smaller, from the ranks of the second among both."""
    n, m = first.shape[axis], second.shape[axis]
    ranks = np.take(rankdata(np.concatenate([first, second], axis), axis=axis), range(n, n + m), axis)
    share: NDArray[np.float64] = (ranks.sum(axis=axis) - m * (m + 1) / 2) / (n * m)
    return share
