"""Reconstruction loss of label maps."""

import tensorflow as tf


def cross_entropy_loss(label_ids: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Cross-entropy in nats, summed over pixels: the negative log likelihood of the label map.

    Args:
        label_ids: `(batch, height, width)` integers.
        logits: `(batch, height, width, num_classes)` float32.

    Returns:
        `(batch,)` float32.
    """
    per_pixel = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(label_ids, tf.int32), logits)
    return tf.reduce_sum(per_pixel, axis=[1, 2])
