"""A label VAE in coordinates in which standard normal codes are those of hearts, as bundles have it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cmrtf.core.files import new_file
from cmrtf.core.npz_files import Array, read_npz
from cmrtf.models.label_vae import LabelVAE
from cmrtf.networks.gaussian import Gaussian

ARRAYS = {
    "mean": Array(np.float32, ("latent_dim",)),
    "factor": Array(np.float32, ("latent_dim", "latent_dim")),
}


SPREAD = 0.5
"""How far N(0, I) spreads, in standard deviations of the codes of training slices. Those lie on a curved
surface of few dimensions: of what is normally distributed as far from their mean as they are, most lies
beside the surface and decodes to no whole heart."""

SMALLEST = 1e-2
"""Length of the shortest column of a factor in that of the longest: dimensions in which no slice differs."""


class StandardisedVAE:
    """A trained `LabelVAE` behind a change of coordinates: codes `w` of `z = mean + factor w`.

    KL divergences pull the posterior of each slice towards N(0, I), but the codes of all slices stay
    distributed otherwise: most `z` drawn from N(0, I) are those of no slice. Over the training slices `w` has
    mean 0 and the same variance in all directions, so that `w` drawn from N(0, I) are spread as those are,
    `SPREAD` times as far. Straight lines stay straight: interpolations are the same.

    Args:
        vae: trained.
        mean: `(latent_dim,)`, of the codes of training slices.
        factor: `(latent_dim, latent_dim)`; its columns are perpendicular, the longest first.

    Reference:
        aggregated posterior: Tomczak and Welling, VAE with a VampPrior, AISTATS 2018
        (https://arxiv.org/abs/1705.07120).
    """

    def __init__(self, vae: LabelVAE, mean: NDArray[np.float32], factor: NDArray[np.float32]) -> None:
        self.vae = vae
        self.mean = mean
        self.factor = factor
        self.inverse = (factor / np.square(factor).sum(axis=0)).T

    @classmethod
    def fit(cls, vae: LabelVAE, label_ids: Iterable[NDArray[np.uint8]]) -> "StandardisedVAE":
        """Standardise the codes of some slices, the means of their posteriors.

        Args:
            vae: trained.
            label_ids: one slice or more, in batches `(batch, size, size)`.
        """
        encode = tf.function(lambda batch: vae.encode(batch).mean, reduce_retracing=True, autograph=False)
        codes = np.concatenate([encode(batch) for batch in label_ids]).astype(np.float64)
        mean = codes.mean(axis=0)
        spectrum, vectors = np.linalg.eigh((codes - mean).T @ (codes - mean) / len(codes))
        deviations = np.sqrt(np.maximum(spectrum, 0.0))
        lengths = SPREAD * np.maximum(deviations, SMALLEST * max(deviations.max(), 1e-6))
        factor = (vectors * lengths)[:, ::-1]
        return cls(vae, mean.astype(np.float32), factor.astype(np.float32))

    @classmethod
    def load(cls, vae: LabelVAE, path: Path) -> "StandardisedVAE":
        """Put a VAE behind the coordinates that `save` wrote.

        Raises:
            FileError: the file is missing or holds something else.
        """
        return cls(vae, **read_npz(path, ARRAYS, "the coordinates of a label VAE's codes"))

    def save(self, path: Path) -> None:
        """Write the coordinates into an npz file; weights stay in the run's checkpoints."""
        with new_file(path) as partial:
            np.savez(partial, mean=self.mean, factor=self.factor)

    @property
    def latent_dim(self) -> int:
        """Dimensions of the latent code."""
        return self.vae.latent_dim

    @property
    def weights(self) -> list[keras.Variable]:
        """Of the VAE."""
        return list(self.vae.weights)

    def encode(self, label_ids: tf.Tensor) -> Gaussian:
        """As `LabelVAE.encode`.

        The covariance of these codes is not diagonal: variances are those of single coordinates.
        """
        posterior = self.vae.encode(label_ids)
        mean = tf.linalg.matmul(posterior.mean - self.mean, self.inverse, transpose_b=True)
        variance = tf.linalg.matmul(tf.exp(posterior.log_variance), np.square(self.inverse), transpose_b=True)
        return Gaussian(mean, tf.math.log(variance))

    def decode(self, code: Any) -> tf.Tensor:
        """As `LabelVAE.decode`."""
        return self.vae.decode(tf.linalg.matmul(code, self.factor, transpose_b=True) + self.mean)
