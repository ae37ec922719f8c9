import numpy as np
import tensorflow as tf

from cmrtf.layers.batch_statistics import BatchStatistics
from layer_checks import check_layer


def _inputs(seed=0):
    return (
        np.random.default_rng(seed).normal([0.5, -1.0, 2.0], [1.0, 0.3, 2.0], (4, 6, 5, 3)).astype(np.float32)
    )


def test_layer_checks():
    check_layer(BatchStatistics, {"momentum": 0.9, "epsilon": 1e-3}, [_inputs()], [(3,), (3,)], (0, 2))


def test_training_returns_statistics_of_the_batch():
    mean, inverse_stddev = BatchStatistics(epsilon=1e-3)(_inputs(), training=True)
    np.testing.assert_allclose(mean, _inputs().mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(inverse_stddev, 1 / np.sqrt(_inputs().var((0, 1, 2)) + 1e-3), rtol=1e-5)


def test_inference_returns_moving_averages_for_any_batch():
    layer = BatchStatistics(momentum=0.9, epsilon=1e-3)
    mean, variance = np.zeros(3), np.ones(3)
    for seed in range(3):
        layer(_inputs(seed), training=True)
        mean = 0.9 * mean + 0.1 * _inputs(seed).mean((0, 1, 2))
        variance = 0.9 * variance + 0.1 * _inputs(seed).var((0, 1, 2))
    for inputs in (_inputs(7), _inputs(8)[:1]):
        np.testing.assert_allclose(layer(inputs)[0], mean, rtol=1e-5)
        np.testing.assert_allclose(layer(inputs)[1], 1 / np.sqrt(variance + 1e-3), rtol=1e-5)


def test_gradient_is_that_of_batch_normalisation():
    inputs = tf.constant(_inputs())
    weights = np.random.default_rng(1).normal(size=inputs.shape).astype(np.float32)

    def gradient(normalise):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = tf.reduce_sum(normalise(inputs) * weights)
        return tape.gradient(loss, inputs)

    def ours(values):
        mean, inverse_stddev = BatchStatistics(epsilon=1e-3)(values, training=True)
        return (values - mean) * inverse_stddev

    def reference(values):
        ones, zeros = tf.ones(3), tf.zeros(3)
        return tf.nn.batch_normalization(values, *tf.nn.moments(values, [0, 1, 2]), zeros, ones, 1e-3)

    np.testing.assert_allclose(gradient(ours), gradient(reference), atol=1e-4)


def test_constant_channel_has_no_negative_variance():
    _, inverse_stddev = BatchStatistics(epsilon=1e-5)(np.full((2, 4, 4, 1), 3.3, np.float32), training=True)
    assert 0 < float(inverse_stddev[0]) <= 1 / np.sqrt(1e-5) * (1 + 1e-6)
