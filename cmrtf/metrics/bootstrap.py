"""Means over subjects and their confidence intervals."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import bootstrap

CONFIDENCE_LEVEL: Final = 0.95

SEED: Final = 0
"""Seed of the resampling: the same values have the same interval."""


@dataclass(frozen=True)
class Estimate:
    """A mean and its 95 % confidence interval.

    Args:
        mean: of the values; NaN if there are none.
        low: lower end of the interval; NaN of fewer than two values.
        high: upper end of the interval; NaN of fewer than two values.
        n: number of values without those that were NaN.
    """

    mean: float
    low: float
    high: float
    n: int


def mean_estimate(values: ArrayLike) -> Estimate:
    """Mean over subjects and its confidence interval by the bootstrap.

    The interval is bias-corrected and accelerated (BCa; Efron, *Better bootstrap confidence
    intervals*, JASA 1987; 82:171): measures such as distances are skewed. With ten subjects it is
    still somewhat too narrow, as every bootstrap interval is.

    Args:
        values: one per subject, since slices of one subject are not independent; NaNs are left out.
    """
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    n = len(known)
    if n == 0:
        return Estimate(math.nan, math.nan, math.nan, 0)
    mean = float(known.mean())
    if n == 1:
        return Estimate(mean, math.nan, math.nan, 1)
    if np.allclose(known, mean, rtol=1e-9, atol=1e-12):  # BCa divides by the spread
        return Estimate(mean, mean, mean, n)
    interval = bootstrap(
        (known,), np.mean, confidence_level=CONFIDENCE_LEVEL, random_state=np.random.default_rng(SEED)
    ).confidence_interval
    return Estimate(mean, float(interval.low), float(interval.high), n)


def subject_mean(values: ArrayLike) -> float:
    """Mean of a subject's values without NaNs; NaN if all of them are."""
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    return float(known.mean()) if known.size else math.nan


def paired_difference(first: ArrayLike, second: ArrayLike) -> Estimate:
    """Mean of `first - second` over the subjects that have both values, and its confidence interval.

    Args:
        first: one value per subject; NaN where there is none.
        second: values of the same subjects in the same order.
    """
    return mean_estimate(np.subtract(first, second))
