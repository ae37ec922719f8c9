"""Cross-entropy, the reconstruction loss of label maps."""

import tensorflow as tf


def cross_entropy_loss(
    label_ids: tf.Tensor, logits: tf.Tensor, unknown: tf.Tensor | None = None
) -> tf.Tensor:
    """`-log p(m | z)` in nats, the cross-entropy summed over the pixels of the label map m.

    Where structures are unknown, a pixel of the background may be theirs: it costs `-log` of the probability
    of the background and theirs together, so nothing is learned of which of them it is (the marginal loss of
    Shi et al., *Marginal loss and exclusion loss for partially supervised multi-organ segmentation*, Medical
    Image Analysis 2021; 70:101979).

    Args:
        label_ids: `(batch, height, width)` integers, the label map m.
        logits: `(batch, height, width, num_classes)` float32 logits of `p(m | z)`.
        unknown: `(batch, num_classes)` booleans, which structures of each label map are unknown; None where
            all are known.

    Returns:
        `(batch,)` float32.
    """
    label_ids = tf.cast(label_ids, tf.int32)
    if unknown is not None:
        label_ids = tf.where(tf.gather(unknown, label_ids, batch_dims=1), 0, label_ids)
        logits = _with_unknown_as_background(logits, unknown)
    per_pixel = tf.nn.sparse_softmax_cross_entropy_with_logits(label_ids, logits)
    return tf.reduce_sum(per_pixel, axis=[1, 2])


def _with_unknown_as_background(logits: tf.Tensor, unknown: tf.Tensor) -> tf.Tensor:
    """Logits in which the background stands for itself and all unknown structures, which have none left."""
    is_merged = tf.concat([tf.ones_like(unknown[:, :1]), unknown[:, 1:]], axis=-1)[:, None, None]
    lowest = tf.constant(logits.dtype.min / 2, logits.dtype)  # as good as minus infinity, with gradients of 0
    background = tf.reduce_logsumexp(tf.where(is_merged, logits, lowest), axis=-1, keepdims=True)
    return tf.concat([background, tf.where(is_merged, lowest, logits)[..., 1:]], axis=-1)
