import numpy as np
import tensorflow as tf

from cmrtf.losses import context_loss


def test_it_is_the_cross_entropy_outside_the_heart():
    rng = np.random.default_rng(0)
    classes, label_ids = rng.integers(0, 4, (2, 3, 3)), rng.integers(0, 2, (2, 3, 3))
    logits = rng.normal(size=(2, 3, 3, 4)).astype(np.float32)
    shares = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    own = np.take_along_axis(shares, classes[..., None], axis=-1)[..., 0]
    expected = np.where(label_ids == 0, -np.log(own), 0.0).sum(axis=(1, 2))
    np.testing.assert_allclose(context_loss(tf.constant(classes), logits, label_ids), expected, rtol=1e-5)


def test_what_is_decoded_under_the_heart_does_not_count():
    classes, label_ids = tf.zeros((1, 2, 2), tf.int32), np.array([[[0, 1], [2, 3]]])
    logits = tf.Variable(tf.random.stateless_normal((1, 2, 2, 4), (0, 1)))
    with tf.GradientTape() as tape:
        loss = context_loss(classes, logits, label_ids)
    gradient = tape.gradient(loss, logits)
    assert np.abs(gradient[0, 0, 0]).max() > 0.0
    assert np.abs(gradient[0, 0, 1]).max() == np.abs(gradient[0, 1]).max() == 0.0
