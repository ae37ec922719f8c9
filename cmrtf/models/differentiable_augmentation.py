"""Differentiable augmentation of the discriminator's inputs, for small cohorts."""

import tensorflow as tf

NUM_DRAWS = 6
"""Uniform numbers that `augment` needs per example."""

MAX_TRANSLATION = 1 / 8
"""Share of the image size."""

CUTOUT_SIDE = 1 / 2
"""Share of the image size."""


def augment(images: tf.Tensor, label_map: tf.Tensor, draws: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Brightness, contrast, translation and cutout, differentiable with respect to the images.

    The discriminator sees augmented images only, so it cannot memorise a small cohort. Real and fake
    images are augmented alike, so the generator does not learn the augmentation. Labels are
    translated with their image and stay aligned.

    Args:
        images: `(batch, size, size, channels)` float, in [-1, 1].
        label_map: `(batch, size, size, num_classes)` one-hot.
        draws: `(batch, NUM_DRAWS)` uniform in [0, 1).

    Returns:
        augmented images and label map, of the same shapes.

    Reference:
        Zhao et al., Differentiable Augmentation for Data-Efficient GAN Training, NeurIPS 2020
        (https://arxiv.org/abs/2006.10738), policy "color, translation, cutout".
    """
    size = images.shape[1]
    draws = tf.cast(draws, images.dtype)
    brightness, contrast = (draws[:, i, None, None, None] for i in (0, 1))
    mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    images = (images - mean) * (contrast + 0.5) + mean + (brightness - 0.5)

    largest = round(size * MAX_TRANSLATION)
    shifts = tf.cast(tf.floor(tf.cast(draws[:, 2:4], tf.float32) * (2 * largest + 1)), tf.int32) - largest
    images, label_map = _translate(images, shifts), _translate(label_map, shifts)

    centres = tf.cast(draws[:, 4:6], tf.float32) * size
    return images * tf.cast(_cutout_mask(centres, size), images.dtype), label_map


def _translate(values: tf.Tensor, shifts: tf.Tensor) -> tf.Tensor:
    """Translate by whole pixels, padding with zeros.

    A translation is a product with a shifted identity matrix, which is differentiable and needs no gather.

    Args:
        values: `(batch, size, size, channels)`.
        shifts: `(batch, 2)` int32 pixels, down and right.
    """
    positions = tf.range(values.shape[1])
    down, right = (
        tf.one_hot(positions[None] - shifts[:, axis, None], values.shape[1], dtype=values.dtype)
        for axis in (0, 1)
    )
    return tf.einsum("bij,bjkc->bikc", down, tf.einsum("bkl,bjlc->bjkc", right, values))


def _cutout_mask(centres: tf.Tensor, size: int) -> tf.Tensor:
    """`(batch, size, size, 1)` float32: 0 in a square around the centre, 1 elsewhere.

    Args:
        centres: `(batch, 2)` pixels, row and column.
        size: height and width of the image.
    """
    distance = tf.abs(tf.range(size, dtype=tf.float32)[None, None] - centres[:, :, None])
    within = distance < size * CUTOUT_SIDE / 2
    return 1.0 - tf.cast(within[:, 0, :, None] & within[:, 1, None, :], tf.float32)[..., None]
