"""Context loss: what a decoder misses of the tissue classes around the heart."""

import tensorflow as tf


def context_loss(tissue_classes: tf.Tensor, logits: tf.Tensor, label_ids: tf.Tensor) -> tf.Tensor:
    """`-log p(c | z)` in nats, summed over the pixels outside the heart.

    Args:
        tissue_classes: `(batch, height, width)` integers, the classes c of brightness.
        logits: `(batch, height, width, classes)` float32 logits of `p(c | z)`.
        label_ids: `(batch, height, width)` integers, 0 the background.

    Returns:
        `(batch,)` float32.
    """
    per_pixel = tf.nn.sparse_softmax_cross_entropy_with_logits(tissue_classes, logits)
    return tf.reduce_sum(per_pixel * tf.cast(label_ids == 0, tf.float32), axis=[1, 2])
