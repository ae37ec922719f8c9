"""The hinge version of the adversarial loss.

Reference: Lim and Ye, Geometric GAN (https://arxiv.org/abs/1705.02894), as used by SPADE.
Arguments are each scale's logits `(batch, h, w, 1)`; scales are averaged.
"""

from collections.abc import Sequence

import tensorflow as tf


def _mean(values: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.cast(values, tf.float32), axis=[1, 2, 3])


def hinge_discriminator_loss(real: Sequence[tf.Tensor], fake: Sequence[tf.Tensor]) -> tf.Tensor:
    """`E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))]`, `(batch,)`."""
    losses = [
        _mean(tf.nn.relu(1.0 - r)) + _mean(tf.nn.relu(1.0 + f)) for r, f in zip(real, fake, strict=True)
    ]
    return tf.add_n(losses) / len(losses)


def hinge_generator_loss(fake: Sequence[tf.Tensor]) -> tf.Tensor:
    """`-E[D(G(z))]`, `(batch,)`."""
    return -tf.add_n([_mean(f) for f in fake]) / len(fake)
