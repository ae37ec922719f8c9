"""What groups of patients have in common: enough to draw from, too little to know one of them by.

Means of a few patients are no protection. Codes have thousands of entries and patients are tens, so what was
mixed can be told from what was not by whether it lies in the space that the mixtures span, however many
patients each of them has; see docs/decisions/what-a-bundle-gives-away.md. Kept are therefore a mean, very few
directions in which patients differ, and the size of all other differences, not their directions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_PATIENTS = 5
"""In every group of which anything is kept."""

NUM_MODES = 1
"""Directions in which patients differ that are kept: with two of them, attacks begin to succeed."""

NOISE = 0.5
"""Standard deviation of what is drawn in all other directions, as a share of the patients': with all of it
half of the slices of a heart are no heart's."""

SHRINKAGE = 0.2
"""Of a covariance towards its diagonal."""


@dataclass(frozen=True)
class CodeStatistics:
    """The distribution of codes along the heart: mean, modes, and noise that is as smooth as codes are.

    The covariance of the noise is separable: a correlation of tracks, one of places, and a deviation of each
    entry of a code.

    Args:
        mean: `(tracks, places, code_dim)`; tracks are phases, or one for both.
        modes: `(NUM_MODES, tracks, places, code_dim)`, the first principal components, of length one.
        track_factor: `(tracks, tracks)`, a square root of the correlation of tracks.
        place_factor: `(places, places)`, likewise of places.
        deviations: `(code_dim,)`, what the modes leave out.
    """

    mean: NDArray[np.float64]
    modes: NDArray[np.float64]
    track_factor: NDArray[np.float64]
    place_factor: NDArray[np.float64]
    deviations: NDArray[np.float64]

    @classmethod
    def of(cls, codes: NDArray[np.float32]) -> "CodeStatistics":
        """Of patients' codes, `(patients, tracks, places, code_dim)`, `LEAST_PATIENTS` of them or more."""
        patients, *shape = codes.shape
        mean = codes.mean(axis=0, dtype=np.float64)
        rows = (codes - mean).reshape(patients, -1)
        variances, directions = np.linalg.eigh(rows @ rows.T)
        largest = slice(-1, -NUM_MODES - 1, -1)
        scale = np.sqrt(np.maximum(variances[largest], np.finfo(float).tiny))
        modes = (directions[:, largest] / scale).T @ rows
        residuals = (rows - (rows @ modes.T) @ modes).reshape(patients, *shape)
        freedom = patients - 1 - NUM_MODES
        squares = np.einsum("ntpd,ntpd->d", residuals, residuals)
        return cls(
            mean,
            modes.reshape(NUM_MODES, *shape),
            _root_of_correlation(np.einsum("nspd,ntpd->st", residuals, residuals)),
            _root_of_correlation(np.einsum("ntpd,ntqd->pq", residuals, residuals)),
            np.sqrt(squares / (freedom * shape[0] * shape[1])),
        )

    def scores(self, codes: NDArray[np.float32]) -> NDArray[np.float64]:
        """Where patients' codes lie along the modes, `(patients, NUM_MODES)`."""
        return np.einsum("ntpd,mtpd->nm", codes - self.mean, self.modes)

    def draw(self, scores: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float32]:
        """Codes `(tracks, places, code_dim)` of somebody who lies there along the modes."""
        white = rng.standard_normal(self.mean.shape)
        noise = np.einsum("st,pq,tqd->spd", self.track_factor, self.place_factor, white) * self.deviations
        along = np.einsum("tpd,mtpd->m", noise, self.modes)
        codes = self.mean + np.tensordot(scores - NOISE * along, self.modes, 1) + NOISE * noise
        return codes.astype(np.float32)


@dataclass(frozen=True)
class GroupNormal:
    """Normal distributions of a few measures, one for each group, which differ in their means.

    Args:
        means: by group, `(measures,)`.
        covariance: `(measures, measures)`, within groups, shrunk by `SHRINKAGE`.
    """

    means: Mapping[str, NDArray[np.float64]]
    covariance: NDArray[np.float64]

    @classmethod
    def of(cls, values: NDArray[np.float64], groups: Sequence[str]) -> "GroupNormal":
        """Of patients' measures `(patients, measures)` and the group of each."""
        names = np.asarray(groups)
        means = {str(name): values[names == name].mean(axis=0) for name in np.unique(names)}
        within = values - np.stack([means[str(name)] for name in names])
        covariance = within.T @ within / max(len(values) - len(means), 1)
        diagonal = np.diag(np.diag(covariance))
        return cls(means, (1.0 - SHRINKAGE) * covariance + SHRINKAGE * diagonal)

    def draw(self, group: str, rng: np.random.Generator) -> NDArray[np.float64]:
        """Measures of somebody of a group."""
        return rng.multivariate_normal(self.means[group], self.covariance, method="eigh")


def _root_of_correlation(products: NDArray[np.float64]) -> NDArray[np.float64]:
    """`R` with `R @ R.T` the correlation of sums of products, `(n, n)`."""
    sizes = np.sqrt(np.maximum(np.diag(products), np.finfo(float).tiny))
    values, vectors = np.linalg.eigh(products / np.outer(sizes, sizes))
    return vectors * np.sqrt(np.maximum(values, 0.0))
