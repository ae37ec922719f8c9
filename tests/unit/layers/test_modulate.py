import numpy as np
import pytest
import tensorflow as tf

from cmrtf.layers.modulate import modulate


def _by_gathering(inputs, scale, shift, index):
    return inputs * tf.gather(scale, index) + tf.gather(shift, index)


@pytest.mark.parametrize("num_rows", [1, 7])
def test_values_and_gradients_are_those_of_two_gathers(num_rows):
    rng = np.random.default_rng(0)
    inputs, cotangent = (tf.constant(rng.normal(size=(2, 5, 6, 3)).astype(np.float32)) for _ in range(2))
    scale, shift = (tf.constant(rng.normal(size=(num_rows, 3)).astype(np.float32)) for _ in range(2))
    # Not every row need occur.
    index = tf.constant(rng.integers(0, max(num_rows - 1, 1), (2, 5, 6)), tf.int32)
    results = []
    for function in (modulate, _by_gathering):
        with tf.GradientTape() as tape:
            tape.watch([inputs, scale, shift])
            outputs = function(inputs, scale, shift, index)
            loss = tf.reduce_sum(outputs * cotangent)
        gradients = tape.gradient(loss, [inputs, scale, shift])
        results.append([outputs, *(tf.convert_to_tensor(gradient) for gradient in gradients)])
    for ours, reference in zip(*results, strict=True):
        np.testing.assert_allclose(ours, reference, rtol=1e-5, atol=1e-5)


def test_bfloat16_stays_bfloat16_in_both_directions():
    inputs = tf.ones((1, 2, 2, 3), tf.bfloat16)
    scale, shift = tf.ones((2, 3), tf.bfloat16), tf.zeros((2, 3), tf.bfloat16)
    with tf.GradientTape() as tape:
        tape.watch(scale)
        outputs = modulate(inputs, scale, shift, tf.constant([[[0, 1], [1, 1]]]))
    gradient = tape.gradient(outputs, scale)
    assert outputs.dtype == gradient.dtype == tf.bfloat16
    np.testing.assert_array_equal(tf.cast(gradient, tf.float32), [[1, 1, 1], [3, 3, 3]])


def test_gradient_is_deterministic():
    """Sums in an order that depends on threads would make runs that cannot be repeated."""
    rng = np.random.default_rng(0)
    inputs = tf.constant(rng.normal(size=(4, 64, 64, 8)).astype(np.float32))
    scale = tf.Variable(rng.normal(size=(300, 8)).astype(np.float32))
    index = tf.constant(rng.integers(0, 300, (4, 64, 64)), tf.int32)

    def gradient():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(modulate(inputs, scale, scale, index) ** 2)
        return tf.convert_to_tensor(tape.gradient(loss, scale)).numpy()

    first = gradient()
    for _ in range(20):
        np.testing.assert_array_equal(gradient(), first)
