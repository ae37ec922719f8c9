"""The approximate posterior that an encoder returns."""

from typing import NamedTuple

import tensorflow as tf


class Gaussian(NamedTuple):
    """A diagonal normal distribution over codes.

    Attributes:
        mean: `(batch, dim)` float32.
        log_variance: `(batch, dim)` float32.
    """

    mean: tf.Tensor
    log_variance: tf.Tensor

    @classmethod
    def from_parameters(cls, parameters: tf.Tensor) -> "Gaussian":
        """Split `(batch, 2 * dim)` into mean and log variance (kept within e^-12 .. e^8)."""
        mean, log_variance = tf.split(tf.cast(parameters, tf.float32), 2, axis=-1)
        return cls(mean, tf.clip_by_value(log_variance, -12.0, 8.0))

    def sample(self, noise: tf.Tensor) -> tf.Tensor:
        """Reparametrised sample for standard normal `noise` of the shape of `mean`."""
        return self.mean + tf.exp(0.5 * self.log_variance) * noise

    def kl(self) -> tf.Tensor:
        """KL divergence to the standard normal in nats, per example and dimension.

        Reference: Kingma and Welling, Auto-Encoding Variational Bayes, appendix B
        (https://arxiv.org/abs/1312.6114).
        """
        return 0.5 * (tf.square(self.mean) + tf.exp(self.log_variance) - 1.0 - self.log_variance)
