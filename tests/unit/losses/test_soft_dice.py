import numpy as np
import tensorflow as tf

from cmrtf.losses import soft_dice_loss


def _certain(label_ids):
    return 100.0 * tf.one_hot(label_ids, 4)


def test_soft_dice_of_two_squares_that_overlap_by_half():
    """4 + 4 pixels, 2 in common: (2 * 2 + 30) / (8 + 30). The two absent structures cost nothing."""
    label_ids, other = np.zeros((1, 6, 6), np.uint8), np.zeros((1, 6, 6), np.uint8)
    label_ids[0, 1:3, 1:3] = other[0, 1:3, 2:4] = 2
    np.testing.assert_allclose(soft_dice_loss(label_ids, _certain(other)), [(1 - 34 / 38) / 3], rtol=1e-5)


def test_soft_dice_of_uniform_probabilities():
    """A quarter everywhere: 4 of 16 pixels are predicted for a structure, and 1 of its 4 pixels is right."""
    label_ids = np.arange(16).reshape(1, 4, 4) % 4
    loss = soft_dice_loss(label_ids, tf.zeros((1, 4, 4, 4)))
    np.testing.assert_allclose(loss, [1 - (2 * 1 + 30) / (4 + 4 + 30)], rtol=1e-6)


def test_soft_dice_of_right_predictions_is_zero_by_example():
    rng = np.random.default_rng(0)
    label_ids = rng.integers(0, 4, (3, 8, 8)).astype(np.uint8)
    label_ids[1] = 0
    predicted = np.where(np.arange(3)[:, None, None] == 2, 3 - label_ids, label_ids)
    loss = soft_dice_loss(label_ids, _certain(predicted)).numpy()
    np.testing.assert_allclose(loss[:2], 0.0, atol=1e-6)
    assert 0.3 < loss[2] < 1.0


def test_soft_dice_of_a_false_positive():
    loss = soft_dice_loss(np.zeros((1, 8, 8), np.uint8), _certain(np.full((1, 8, 8), 3)))
    np.testing.assert_allclose(loss, [(1 - 30 / 94) / 3], rtol=1e-5)


def test_unknown_structures_are_left_out_of_soft_dice():
    """The mean is that of the known ones; of nothing known it is 0."""
    label_ids, predicted = np.zeros((3, 6, 6), np.uint8), np.zeros((3, 6, 6), np.uint8)
    label_ids[:, 1:3, 1:3], predicted[:, 1:3, 2:4], predicted[:, 4:] = 2, 2, 3
    unknown = np.zeros((3, 4), np.bool_)
    unknown[1, 3] = unknown[2, 1:] = True
    of_myo, of_rv = 1 - 34 / 38, 1 - 30 / 42
    loss = soft_dice_loss(label_ids, _certain(predicted), unknown)
    np.testing.assert_allclose(loss, [(of_myo + of_rv) / 3, of_myo / 2, 0.0], rtol=1e-5)
