import numpy as np
import pytest
import tensorflow as tf

from cmrtf.models.differentiable_augmentation import NUM_DRAWS, augment

SIZE = 16
RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(-1, 1, (3, SIZE, SIZE, 1)).astype(np.float32)
LABEL_MAP = np.eye(4, dtype=np.float32)[RNG.integers(0, 4, (3, SIZE, SIZE))]


def _draws(brightness=0.5, contrast=0.5, down=0.5, right=0.5, row=0.5, column=0.5):
    return tf.constant([[brightness, contrast, down, right, row, column]] * 3, tf.float32)


def _outside_cutout(row=0.5, column=0.5):
    """Pixels farther than a quarter of the size from the centre of the square."""
    y, x = np.indices((SIZE, SIZE))
    within = (np.abs(y - row * SIZE) < SIZE / 4) & (np.abs(x - column * SIZE) < SIZE / 4)
    return ~within[None, :, :, None]


def test_draws_of_one_half_only_cut_out_a_square():
    images, label_map = augment(IMAGES, LABEL_MAP, _draws())
    np.testing.assert_array_equal(label_map, LABEL_MAP)
    np.testing.assert_allclose(images, np.where(_outside_cutout(), IMAGES, 0.0), atol=1e-6)


def test_shapes_are_kept():
    images, label_map = augment(IMAGES, LABEL_MAP, tf.random.uniform((3, NUM_DRAWS)))
    assert (images.shape, label_map.shape) == (IMAGES.shape, LABEL_MAP.shape)


def test_brightness_adds_and_contrast_spreads_about_the_mean():
    images, _ = augment(IMAGES, LABEL_MAP, _draws(brightness=0.9, contrast=0.0))
    mean = IMAGES.mean((1, 2, 3), keepdims=True)
    expected = (IMAGES - mean) * 0.5 + mean + 0.4
    np.testing.assert_allclose(images, np.where(_outside_cutout(), expected, 0.0), atol=1e-6)


@pytest.mark.parametrize(("draw", "shift"), [(0.0, -2), (0.2, -1), (0.5, 0), (0.999, 2)])
def test_labels_are_translated_with_their_image_and_padded_with_zeros(draw, shift):
    """By at most an eighth of the size, down by the first draw and right by the second."""
    moved = augment(IMAGES, LABEL_MAP, _draws(down=draw, right=0.999 - draw, row=9.0))  # cut out elsewhere
    down, right = shift, -shift
    for values, original in zip(moved, (IMAGES, LABEL_MAP), strict=True):
        expected = np.zeros_like(original)
        inner = expected[:, max(down, 0) : SIZE + min(down, 0), max(right, 0) : SIZE + min(right, 0)]
        inner[:] = original[:, max(-down, 0) : SIZE - max(down, 0), max(-right, 0) : SIZE - max(right, 0)]
        np.testing.assert_allclose(values, expected, atol=1e-6)


@pytest.mark.parametrize(("row", "column"), [(0.0, 0.0), (0.25, 0.75), (0.99, 0.5)])
def test_a_square_of_half_the_size_is_cut_out(row, column):
    images, _ = augment(IMAGES, LABEL_MAP, _draws(row=row, column=column))
    np.testing.assert_allclose(images, np.where(_outside_cutout(row, column), IMAGES, 0.0), atol=1e-6)


def test_examples_have_their_own_draws():
    draws = tf.constant(RNG.uniform(size=(3, NUM_DRAWS)), tf.float32)
    together = augment(IMAGES, LABEL_MAP, draws)
    for i in range(3):
        alone = augment(IMAGES[i : i + 1], LABEL_MAP[i : i + 1], draws[i : i + 1])
        for ours, expected in zip(together, alone, strict=True):
            np.testing.assert_allclose(ours[i], expected[0], atol=1e-6)


def test_gradient_reaches_the_images():
    """The sum changes by the contrast outside the cutout, and by the share of the pixel in the mean."""
    images = tf.Variable(IMAGES)
    with tf.GradientTape() as tape:
        augmented, _ = augment(images, LABEL_MAP, _draws(contrast=1.0))
        loss = tf.reduce_sum(augmented)
    outside = _outside_cutout()
    expected = 1.5 * outside + (1 - 1.5) * outside.mean()
    np.testing.assert_allclose(tape.gradient(loss, images)[0], expected[0], atol=1e-5)


def test_graph_execution_equals_eager_execution():
    draws = tf.constant(RNG.uniform(size=(3, NUM_DRAWS)), tf.float32)
    for ours, expected in zip(
        tf.function(augment)(IMAGES, LABEL_MAP, draws), augment(IMAGES, LABEL_MAP, draws), strict=True
    ):
        np.testing.assert_allclose(ours, expected, atol=1e-6)
