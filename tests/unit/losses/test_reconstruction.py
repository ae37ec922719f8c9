import numpy as np
import tensorflow as tf

from cmrtf.losses import reconstruction_loss
from cmrtf.losses.reconstruction import MARGIN_PX

SIZE = 48


def _loss(difference, label_ids):
    image = tf.zeros((*label_ids.shape, 1))
    return reconstruction_loss(image, tf.constant(difference[..., None], tf.float32), tf.constant(label_ids))


def _one_pixel_of_heart():
    label_ids = np.zeros((1, SIZE, SIZE), np.uint8)
    label_ids[0, 20, 24] = 3
    return label_ids


def test_it_is_the_mean_absolute_difference_near_the_heart():
    near = np.s_[0, 20 - MARGIN_PX : 21 + MARGIN_PX, 24 - MARGIN_PX : 25 + MARGIN_PX]
    difference = np.random.default_rng(0).normal(size=(1, SIZE, SIZE))
    expected = np.abs(difference[near]).mean()
    np.testing.assert_allclose(_loss(difference, _one_pixel_of_heart()), [expected], rtol=1e-5)


def test_what_lies_away_from_the_heart_costs_nothing():
    difference = np.ones((1, SIZE, SIZE))
    difference[0, 20 - MARGIN_PX : 21 + MARGIN_PX, 24 - MARGIN_PX : 25 + MARGIN_PX] = 0
    np.testing.assert_array_equal(_loss(difference, _one_pixel_of_heart()), [0.0])


def test_every_example_is_averaged_over_its_own_heart():
    """A large heart weighs as much as a small one, an empty slice nothing."""
    label_ids = np.concatenate(
        [_one_pixel_of_heart(), np.ones((1, SIZE, SIZE), np.uint8), np.zeros((1, SIZE, SIZE), np.uint8)]
    )
    np.testing.assert_allclose(_loss(np.full((3, SIZE, SIZE), 0.5), label_ids), [0.5, 0.5, 0.0])
