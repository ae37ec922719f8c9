"""Reconstruction loss: the real image back from its own labels and style, near the heart."""

import tensorflow as tf

MARGIN_PX = 8
"""How far from a structure a pixel is still near the heart: 12 mm."""


def reconstruction_loss(image: tf.Tensor, fake: tf.Tensor, label_ids: tf.Tensor) -> tf.Tensor:
    """`|x - G(E(x), m)|`, averaged over the pixels within `MARGIN_PX` of a structure of the label map.

    Elsewhere the label map does not say what there is to see, so that the smallest absolute difference
    would be the median of all that there can be: a dark, flat chest.

    Args:
        image: real images x, `(batch, height, width, 1)` in [-1, 1].
        fake: their reconstructions, of the same shape.
        label_ids: m, `(batch, height, width)` integers, 0 the background.

    Returns:
        `(batch,)` float32; 0 where a label map is empty.
    """
    heart = tf.cast(label_ids > 0, tf.float32)[..., None]
    near = tf.nn.max_pool2d(heart, 2 * MARGIN_PX + 1, 1, "SAME")
    difference = tf.abs(tf.cast(image, tf.float32) - fake)
    return tf.math.divide_no_nan(
        tf.reduce_sum(near * difference, axis=[1, 2, 3]), tf.reduce_sum(near, axis=[1, 2, 3])
    )
