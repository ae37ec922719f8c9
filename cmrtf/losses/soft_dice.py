"""Soft Dice loss."""

import tensorflow as tf

SMOOTHING_PIXELS = 30.0
"""Added to numerator and denominator, so that a structure that is neither present nor predicted costs
nothing, and a false positive costs more the larger it is. Dice of LV, MYO and RV per volume after 750 steps
(ACDC, 30 patients for training, 10 others for testing): .903, .828, .791 with 1 pixel and .909, .849, .834
with 30."""


def soft_dice_loss(label_ids: tf.Tensor, logits: tf.Tensor, unknown: tf.Tensor | None = None) -> tf.Tensor:
    """`1 - (2 sum(p m) + s) / (sum(p) + sum(m) + s)`, averaged over the known foreground structures.

    p are the predicted probabilities, m is the one-hot label map, and s is `SMOOTHING_PIXELS`. Unlike
    the cross-entropy it weighs small structures as much as large ones.

    Args:
        label_ids: `(batch, height, width)` integers; 0 is the background.
        logits: `(batch, height, width, num_classes)` float32.
        unknown: `(batch, num_classes)` booleans, which structures of each label map are unknown; None where
            all are known. Where none is known the loss is 0.

    Returns:
        `(batch,)` float32 in [0, 1].

    Reference:
        Milletari et al., V-Net, 3DV 2016 (https://arxiv.org/abs/1606.04797), with sums in the denominator.
    """
    p = tf.nn.softmax(logits)[..., 1:]
    m = tf.one_hot(tf.cast(label_ids, tf.int32), logits.shape[-1])[..., 1:]
    intersection = tf.reduce_sum(p * m, axis=[1, 2])
    total = tf.reduce_sum(p + m, axis=[1, 2])
    overlap = (2.0 * intersection + SMOOTHING_PIXELS) / (total + SMOOTHING_PIXELS)
    if unknown is None:
        return 1.0 - tf.reduce_mean(overlap, axis=-1)
    known = tf.cast(tf.logical_not(unknown[:, 1:]), tf.float32)
    return tf.math.divide_no_nan(
        tf.reduce_sum(known * (1.0 - overlap), axis=-1), tf.reduce_sum(known, axis=-1)
    )
