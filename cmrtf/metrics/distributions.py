"""Distances of two sets of images as distributions, given a feature vector for each image.

Both distances depend on what the features are, and the Fréchet distance on how many there are. So a
distance of synthetic images to real ones means something only beside the real-versus-real baseline: the
distance of as many real images of other patients to the same real ones.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

NUM_DRAWS: Final = 20
"""Random draws over which `compare_with_baseline` averages."""


class Features(NamedTuple):
    """Slices as features of a network, `(n, dim)`, and the subjects that they are of, `(n,)`."""

    features: NDArray[Any]
    subjects: NDArray[Any]

    def take(self, rows: NDArray[np.intp]) -> "Features":
        """Some of the slices."""
        return Features(self.features[rows], self.subjects[rows])


Distance = Callable[[Features, Features], float]


def frechet_distance(first: Features, second: Features) -> float:
    """Fréchet distance of the Gaussians fitted to two sets of features.

    `|m1 - m2|^2 + tr(S1 + S2 - 2 (S1^(1/2) S2 S1^(1/2))^(1/2))` (Dowson and Landau, J. Multivariate
    Analysis 1982; 12:450; of Inception features the FID of Heusel et al., NeurIPS 2017). The last trace
    is the sum of singular values of `A B^T`, where `A^T A = S1` and `B^T B = S2`; so no root of a matrix
    is taken, and there may be fewer features than dimensions.

    The estimate is biased upwards, the more so the fewer features and the more dimensions there are
    (Chong and Forsyth, CVPR 2020). Compare values of equal numbers only.

    Args:
        first: at least two slices.
        second: at least two slices.
    """
    means = [group.features.mean(axis=0, dtype=np.float64) for group in (first, second)]
    shift = means[0] - means[1]
    a, b = _covariance_factor(first.features), _covariance_factor(second.features)
    overlap = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    distance = shift @ shift + np.square(a).sum() + np.square(b).sum() - 2.0 * overlap
    return max(float(distance), 0.0)  # rounding


def kernel_distance(first: Features, second: Features) -> float:
    """Squared maximum mean discrepancy with the kernel `(x.y / dim + 1)^3`, the KID.

    The unbiased estimate (Bińkowski et al., *Demystifying MMD GANs*, ICLR 2018): its expectation does not
    depend on the number of features and is 0 for equal distributions, so single values can be negative.
    Slices of one subject are alike, as slices of two sets never are: so pairs of one subject are left out,
    and what is independent is subjects. With them equal distributions would lie apart.

    Args:
        first: of at least two subjects.
        second: of at least two subjects, all of them others.

    Returns:
        the distance; NaN where a set is of one subject.
    """
    within = _mean_of_pairs(first) + _mean_of_pairs(second)
    return within - 2.0 * float(_kernel(first.features, second.features).mean())


@dataclass(frozen=True)
class Comparison:
    """Distances of synthetic images to a reference, beside the real-versus-real baseline.

    Args:
        distances: of synthetic images to reference images, `(draws,)`.
        baselines: distances of real images of other patients to the same, `(draws,)`.
        n: number of images on either side of a distance.
    """

    distances: NDArray[np.float64]
    baselines: NDArray[np.float64]
    n: int


def compare_with_baseline(
    reference: Features, real: Features, synthetic: Features, distance: Distance, seed: int = 0
) -> Comparison:
    """Compare synthetic images with reference images, and other real images with the same, at equal numbers.

    Reference images must be of patients whom the generator has not seen: beside its own training images,
    copies would look better than new patients do. Whole subjects are drawn, never single slices.

    Args:
        reference: of held-out patients.
        real: of other patients, such as the generator's training images.
        synthetic: of synthetic images.
        distance: `frechet_distance` or `kernel_distance`.
        seed: seed of the draws.
    """
    rng = np.random.default_rng(seed)
    n = min(len(group.features) for group in (reference, real, synthetic))
    distances, baselines = [], []
    for _ in range(NUM_DRAWS):
        drawn_reference = reference.take(rng.permutation(len(reference.features))[:n])
        drawn_synthetic = synthetic.take(_draw_rows(rng, synthetic.subjects)[:n])
        drawn_real = real.take(_draw_rows(rng, real.subjects)[:n])
        distances.append(distance(drawn_synthetic, drawn_reference))
        baselines.append(distance(drawn_real, drawn_reference))
    return Comparison(np.array(distances), np.array(baselines), n)


def _draw_rows(rng: np.random.Generator, subjects: NDArray[Any]) -> NDArray[np.intp]:
    """All rows, subject by subject in random order."""
    order = rng.permutation(np.unique(subjects))
    return np.concatenate([np.flatnonzero(subjects == subject) for subject in order])


def _covariance_factor(features: NDArray[Any]) -> NDArray[np.float64]:
    """`A` with `A^T A` the covariance, and no more rows than features or dimensions."""
    centred = features - features.mean(axis=0, dtype=np.float64)
    factor: NDArray[np.float64] = np.linalg.qr(centred, mode="r") / np.sqrt(len(features) - 1)
    return factor


def _kernel(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float64]:
    products = first.astype(np.float64) @ second.astype(np.float64).T
    return (products / first.shape[1] + 1.0) ** 3


def _mean_of_pairs(group: Features) -> float:
    """Mean of the kernel over all pairs of slices of different subjects."""
    is_pair = group.subjects[:, None] != group.subjects[None]
    if not is_pair.any():
        return float("nan")
    return float(_kernel(group.features, group.features)[is_pair].mean())
