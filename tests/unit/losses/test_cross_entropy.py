import numpy as np
import tensorflow as tf

from cmrtf.losses import cross_entropy_loss


def test_cross_entropy_against_numpy():
    rng = np.random.default_rng(0)
    label_ids = rng.integers(0, 4, (3, 5, 6))
    logits = rng.normal(0, 3, (3, 5, 6, 4))
    log_probabilities = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    expected = -np.take_along_axis(log_probabilities, label_ids[..., None], -1).sum((1, 2, 3))
    for dtype in (np.uint8, np.int32):
        loss = cross_entropy_loss(label_ids.astype(dtype), tf.constant(logits, tf.float32))
        np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_cross_entropy_of_certain_and_of_uniform_predictions():
    label_ids = np.array([[[0, 1], [2, 3]]])
    logits = 100.0 * tf.one_hot(label_ids, 4)
    np.testing.assert_allclose(cross_entropy_loss(label_ids, logits), [0.0], atol=1e-6)
    np.testing.assert_allclose(cross_entropy_loss(label_ids, 0 * logits), [4 * np.log(4)], rtol=1e-6)


def test_a_background_pixel_may_be_of_an_unknown_structure():
    """Its cost is -log(p(background) + p(unknown)); other pixels and other examples cost as ever."""
    rng = np.random.default_rng(0)
    label_ids = np.array([[[0, 1, 2]], [[0, 1, 3]]])
    logits = tf.constant(rng.normal(0, 3, (2, 1, 3, 4)), tf.float32)
    p = tf.nn.softmax(logits).numpy()
    unknown = np.array([[False, False, False, True], [False, False, False, False]])
    expected = [
        -np.log((p[0, 0, 0, 0] + p[0, 0, 0, 3]) * p[0, 0, 1, 1] * p[0, 0, 2, 2]),
        -np.log(p[1, 0, 0, 0] * p[1, 0, 1, 1] * p[1, 0, 2, 3]),
    ]
    np.testing.assert_allclose(cross_entropy_loss(label_ids, logits, unknown), expected, rtol=1e-5)


def test_nothing_is_learned_of_which_of_both_it_is():
    label_ids, unknown = np.zeros((1, 2, 2), np.uint8), np.array([[False, False, True, True]])
    logits = tf.Variable(np.full((1, 2, 2, 4), 0.5, np.float32))
    with tf.GradientTape() as tape:
        loss = cross_entropy_loss(label_ids, logits, unknown)
    gradient = tape.gradient(loss, logits).numpy()[0, 0, 0]
    assert gradient[1] > 0.2  # the LV is known not to be there
    np.testing.assert_allclose(gradient[[0, 2, 3]], gradient[0], rtol=1e-5)
    assert gradient[0] < 0


def test_where_all_is_known_nothing_changes():
    rng = np.random.default_rng(0)
    label_ids, logits = rng.integers(0, 4, (2, 3, 3)), tf.constant(rng.normal(size=(2, 3, 3, 4)), tf.float32)
    known = np.zeros((2, 4), np.bool_)
    np.testing.assert_allclose(
        cross_entropy_loss(label_ids, logits, known), cross_entropy_loss(label_ids, logits), rtol=1e-6
    )
