import numpy as np
import tensorflow as tf

from cmrtf.losses import soft_dice_loss


def _sure(label_ids):
    return 100.0 * tf.one_hot(label_ids, 4)


def test_two_squares_that_overlap_by_half():
    """4 + 4 pixels, 2 in common: (2 * 2 + 30) / (8 + 30). The two structures that are nowhere are right."""
    label_ids, other = np.zeros((1, 6, 6), np.uint8), np.zeros((1, 6, 6), np.uint8)
    label_ids[0, 1:3, 1:3] = other[0, 1:3, 2:4] = 2
    np.testing.assert_allclose(soft_dice_loss(label_ids, _sure(other)), [(1 - 34 / 38) / 3], rtol=1e-5)


def test_an_indifferent_answer():
    """A quarter everywhere: of 16 pixels each structure is promised 4, and hits a quarter of its own."""
    label_ids = np.arange(16).reshape(1, 4, 4) % 4
    loss = soft_dice_loss(label_ids, tf.zeros((1, 4, 4, 4)))
    np.testing.assert_allclose(loss, [1 - (2 * 1 + 30) / (4 + 4 + 30)], rtol=1e-6)


def test_right_answers_cost_nothing_and_examples_count_for_themselves():
    rng = np.random.default_rng(0)
    label_ids = rng.integers(0, 4, (3, 8, 8)).astype(np.uint8)
    label_ids[1] = 0
    answer = np.where(np.arange(3)[:, None, None] == 2, 3 - label_ids, label_ids)
    loss = soft_dice_loss(label_ids, _sure(answer)).numpy()
    np.testing.assert_allclose(loss[:2], 0.0, atol=1e-6)
    assert 0.3 < loss[2] < 1.0


def test_a_structure_seen_where_there_is_none_costs_its_share():
    loss = soft_dice_loss(np.zeros((1, 8, 8), np.uint8), _sure(np.full((1, 8, 8), 3)))
    np.testing.assert_allclose(loss, [(1 - 30 / 94) / 3], rtol=1e-5)
