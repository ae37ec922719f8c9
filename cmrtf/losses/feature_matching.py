"""Feature matching: a fake should excite the discriminator as its real twin does."""

from collections.abc import Sequence

import tensorflow as tf


def feature_matching_loss(
    real: Sequence[Sequence[tf.Tensor]], fake: Sequence[Sequence[tf.Tensor]]
) -> tf.Tensor:
    """Mean absolute difference of intermediate features, averaged over layers and scales.

    Args:
        real: each scale's feature maps without the logits, `(batch, h, w, channels)`; no gradient
            flows into them.
        fake: the same of the generated images.

    Returns:
        `(batch,)` float32.

    Reference:
        Wang et al., CVPR 2018, equation 2 (https://arxiv.org/abs/1711.11585).
    """
    differences = [
        tf.reduce_mean(tf.abs(tf.cast(tf.stop_gradient(r) - f, tf.float32)), axis=[1, 2, 3])
        for real_scale, fake_scale in zip(real, fake, strict=True)
        for r, f in zip(real_scale, fake_scale, strict=True)
    ]
    return tf.add_n(differences) / len(differences)
