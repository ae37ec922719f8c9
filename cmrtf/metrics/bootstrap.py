"""Means over subjects and their confidence intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import bootstrap

CONFIDENCE_LEVEL: Final = 0.95

NUM_RESAMPLES: Final = 4000
"""Of `crossed_estimate`."""

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


def crossed_estimate(groups: Sequence[ArrayLike]) -> Estimate:
    """Mean over patients and trainings, and an interval that is of both.

    In every resample each group draws its trainings anew and, by themselves, its patients: a percentile
    bootstrap of two crossed factors (Owen, *The pigeonhole bootstrap*, Annals of Applied Statistics 2007;
    1:386). A single training is no sample of trainings: the interval is of patients alone then.

    Args:
        groups: of each division of the patients, `(trainings, patients)`; NaN where there is no value.

    Returns:
        with the number of patients that have a value as its `n`.
    """
    arrays = [np.asarray(group, np.float64) for group in groups]
    n = sum(int((~np.isnan(array)).any(axis=0).sum()) for array in arrays)
    if not n:
        return Estimate(math.nan, math.nan, math.nan, 0)
    mean = float(np.nanmean(np.concatenate([array.ravel() for array in arrays])))
    if n == 1:
        return Estimate(mean, math.nan, math.nan, 1)
    rng = np.random.default_rng(SEED)
    sums, counts = np.zeros(NUM_RESAMPLES), np.zeros(NUM_RESAMPLES)
    for array in arrays:  # how often each training and each patient was drawn is its weight
        trainings, patients = (
            rng.multinomial(size, np.full(size, 1.0 / size), NUM_RESAMPLES) for size in array.shape
        )
        is_known = ~np.isnan(array)
        sums += np.einsum("rt,tp,rp->r", trainings, np.where(is_known, array, 0.0), patients)
        counts += np.einsum("rt,tp,rp->r", trainings, is_known, patients)
    means = sums[counts > 0] / counts[counts > 0]
    tail = (1.0 - CONFIDENCE_LEVEL) / 2.0
    low, high = np.quantile(means, [tail, 1.0 - tail])
    return Estimate(mean, float(low), float(high), n)
