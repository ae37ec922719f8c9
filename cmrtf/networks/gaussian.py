"""The approximate posterior of an encoder: a diagonal normal distribution."""

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
        """The distribution whose parameters a layer has computed.

        Args:
            parameters: `(batch, 2 * dim)`, the means, then the log variances, which are clipped to
                [-12, 8].
        """
        mean, log_variance = tf.split(tf.cast(parameters, tf.float32), 2, axis=-1)
        return cls(mean, tf.clip_by_value(log_variance, -12.0, 8.0))

    def split(self, parts: int) -> "list[Gaussian]":
        """Cut the batch into `parts` distributions of equally many examples."""
        means, log_variances = tf.split(self.mean, parts), tf.split(self.log_variance, parts)
        return [Gaussian(*parameters) for parameters in zip(means, log_variances, strict=True)]

    def joined(self, other: "Gaussian") -> "Gaussian":
        """The distribution over the codes of both, one behind the other, of independent parts."""
        return Gaussian(
            tf.concat([self.mean, other.mean], -1), tf.concat([self.log_variance, other.log_variance], -1)
        )

    def sample(self, noise: tf.Tensor) -> tf.Tensor:
        """Reparametrised sample `mean + stddev * noise`.

        Args:
            noise: `(batch, dim)` standard normal.

        Returns:
            `(batch, dim)` float32.
        """
        return self.mean + tf.exp(0.5 * self.log_variance) * noise

    def kl(self) -> tf.Tensor:
        """KL divergence to the standard normal in nats, by example and dimension.

        Returns:
            `(batch, dim)` float32.

        Reference:
            Kingma and Welling, Auto-Encoding Variational Bayes, appendix B
            (https://arxiv.org/abs/1312.6114).
        """
        return 0.5 * (tf.square(self.mean) + tf.exp(self.log_variance) - 1.0 - self.log_variance)
