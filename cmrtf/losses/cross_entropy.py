"""Cross-entropy, the reconstruction loss of label maps."""

import tensorflow as tf


def cross_entropy_loss(label_ids: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """`-log p(m | z)` in nats, the cross-entropy summed over the pixels of the label map m.

    Args:
        label_ids: `(batch, height, width)` integers, the label map m.
        logits: `(batch, height, width, num_classes)` float32 logits of `p(m | z)`.

    Returns:
        `(batch,)` float32.
    """
    per_pixel = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(label_ids, tf.int32), logits)
    return tf.reduce_sum(per_pixel, axis=[1, 2])
