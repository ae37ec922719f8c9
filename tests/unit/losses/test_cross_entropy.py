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
