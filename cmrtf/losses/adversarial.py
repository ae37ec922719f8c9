"""The hinge version of the adversarial loss.

Reference:
    Lim and Ye, Geometric GAN (https://arxiv.org/abs/1705.02894), as used by SPADE.
"""

from collections.abc import Sequence

import tensorflow as tf


def hinge_discriminator_loss(real: Sequence[tf.Tensor], fake: Sequence[tf.Tensor]) -> tf.Tensor:
    """`E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))]`, averaged over scales.

    Args:
        real: logits D(x) of each scale, `(batch, height, width, 1)`.
        fake: logits D(G(z)) of each scale.

    Returns:
        `(batch,)` float32.
    """
    losses = [
        _mean(tf.nn.relu(1.0 - d_x)) + _mean(tf.nn.relu(1.0 + d_g_z))
        for d_x, d_g_z in zip(real, fake, strict=True)
    ]
    return tf.add_n(losses) / len(losses)


def hinge_generator_loss(fake: Sequence[tf.Tensor]) -> tf.Tensor:
    """`-E[D(G(z))]`, averaged over scales.

    Args:
        fake: logits D(G(z)) of each scale, `(batch, height, width, 1)`.

    Returns:
        `(batch,)` float32.
    """
    return -tf.add_n([_mean(d_g_z) for d_g_z in fake]) / len(fake)


def _mean(values: tf.Tensor) -> tf.Tensor:
    """Mean of each example in float32, `(batch,)`."""
    return tf.reduce_mean(tf.cast(values, tf.float32), axis=[1, 2, 3])
