"""Other ways to draw a heart, to measure the prior against."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from cmrtf.synthesis.anatomy import Anatomy
from cmrtf.synthesis.anatomy_prior import AnatomyPrior


def draw_independent_slices(prior: AnatomyPrior, rng: np.random.Generator, pathology: str) -> Anatomy:
    """Every place and phase from its own normal distribution, with its full covariance."""
    chosen = prior.pathologies == pathology
    deviations = prior.codes[chosen] - prior.codes[chosen].mean(axis=0)
    weights = rng.standard_normal((2, prior.codes.shape[2], len(deviations))) / np.sqrt(len(deviations) - 1)
    codes = prior.codes[chosen].mean(axis=0) + np.einsum("tps,stpd->tpd", weights, deviations)
    return _with_ends_of_someone(prior, rng, pathology, codes)


def draw_as_authors(prior: AnatomyPrior, rng: np.random.Generator, pathology: str) -> Anatomy:
    """The follow-up of the paper's authors: normals first, correlation afterwards.

    Each entry of each place from a normal distribution, cut off at the smallest and largest value of
    the group; multiplied by a Cholesky factor of the entries' Kendall correlation, then by one of that of
    the places of a normal subject; values are not centred before. Phases know nothing of each other.
    Posterior means instead of draws from the posterior, and `PLACES` instead of 32 slices.
    """
    chosen = prior.codes[prior.pathologies == pathology].astype(np.float64)
    normal = prior.codes[rng.choice(np.flatnonzero(prior.pathologies == "NOR"))].astype(np.float64)
    phases = []
    for group, reference in zip(np.moveaxis(chosen, 1, 0), normal, strict=True):
        mean, spread = group.mean(axis=0), group.std(axis=0) + 1e-6
        low, high = (group.min(axis=0) - mean) / spread, (group.max(axis=0) - mean) / spread
        sample = stats.truncnorm.rvs(low, high, loc=mean, scale=spread, random_state=rng)
        of_entries = _cholesky_of_kendall(group.reshape(-1, group.shape[-1]))
        phases.append(_cholesky_of_kendall(reference.T) @ (of_entries @ sample.T).T)
    return _with_ends_of_someone(prior, rng, pathology, np.stack(phases))


def _cholesky_of_kendall(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the columns' Kendall correlation: the cosine between the signs of all pairs' differences."""
    first, second = np.triu_indices(len(values), 1)
    signs = np.sign(values[first] - values[second]).astype(np.float32)
    signs /= np.linalg.norm(signs, axis=0)
    return np.linalg.cholesky((signs.T @ signs).astype(np.float64) + 1e-6 * np.eye(values.shape[1]))


def _with_ends_of_someone(
    prior: AnatomyPrior, rng: np.random.Generator, pathology: str, codes: NDArray[np.float64]
) -> Anatomy:
    someone = rng.choice(np.flatnonzero(prior.pathologies == pathology))
    return replace(
        prior.mean(pathology),
        codes=codes.astype(np.float32),
        ends_mm=prior.ends_mm[someone],
        pose=prior.poses[someone],
    )
