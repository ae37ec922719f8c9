"""Feature matching loss: the discriminator's features of a fake should equal those of the real image."""

from collections.abc import Sequence

import tensorflow as tf


def feature_matching_loss(
    real: Sequence[Sequence[tf.Tensor]], fake: Sequence[Sequence[tf.Tensor]]
) -> tf.Tensor:
    """`sum_k |D_k(x) - D_k(G(z))|`, a mean over each feature map, summed over layers, averaged over scales.

    Args:
        real: by scale, the feature maps D_k(x) without the logits, `(batch, height, width, channels)`;
            no gradient flows into them.
        fake: likewise D_k(G(z)) of the generated images.

    Returns:
        `(batch,)` float32.

    Reference:
        Wang et al., CVPR 2018, equation 2 (https://arxiv.org/abs/1711.11585), which sums over scales too.
    """
    differences = [
        tf.reduce_mean(tf.abs(tf.cast(tf.stop_gradient(r) - f, tf.float32)), axis=[1, 2, 3])
        for real_scale, fake_scale in zip(real, fake, strict=True)
        for r, f in zip(real_scale, fake_scale, strict=True)
    ]
    return tf.add_n(differences) / len(real)
