import keras
import numpy as np
import pytest
import tensorflow as tf

from cmrtf.layers.spectral_conv2d import SpectralConv2D, fuse_spectral_norm
from layer_checks import check_layer


def _inputs(size=8, channels=3):
    return np.random.default_rng(0).normal(size=(2, size, size, channels)).astype(np.float32)


@pytest.fixture
def layer():
    """A 3 x 3 layer whose power iteration has converged."""
    keras.utils.set_random_seed(1)
    layer = SpectralConv2D(5, 3)
    layer.build((None, 8, 8, 3))
    layer.bias.assign(np.arange(5.0))
    layer.u.assign(np.linalg.svd(np.reshape(layer.kernel, (-1, 5)))[2][0])
    return layer


def _largest_singular_value(kernel):
    return np.linalg.svd(np.reshape(kernel, (-1, kernel.shape[-1])), compute_uv=False)[0]


@pytest.mark.parametrize(("use_bias", "num_weights"), [(True, (2, 1)), (False, (1, 1))])
def test_layer_checks(use_bias, num_weights):
    config = {"filters": 5, "kernel_size": 3, "use_bias": use_bias}
    check_layer(SpectralConv2D, config, [_inputs()], [(2, 8, 8, 5)], num_weights)


@pytest.mark.parametrize("size", [7, 8])
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("kernel_size", [1, 3, 4])
def test_outputs_have_the_size_of_same_padding(size, strides, kernel_size):
    layer = SpectralConv2D(2, kernel_size, strides)
    expected = (2, -(-size // strides), -(-size // strides), 2)
    assert layer(_inputs(size)).shape == expected == layer.compute_output_shape((2, size, size, 3))


def test_sigma_converges_to_the_largest_singular_value(layer):
    layer.u.assign(np.arange(1.0, 6.0))
    for _ in range(100):
        layer.sigma(training=True)
    expected = _largest_singular_value(layer.kernel.numpy())
    np.testing.assert_allclose(layer.sigma(), expected, rtol=1e-5)
    np.testing.assert_allclose(layer.sigma(training=True), expected, rtol=1e-5)


def test_sigma_is_never_more_than_the_largest_singular_value_however_long_u_is():
    """A fresh u is not of unit length, nor is a moving average of unit vectors."""
    layer = SpectralConv2D(16, 3)
    layer.build((None, 8, 8, 3))
    fresh = layer.sigma()
    assert fresh <= _largest_singular_value(layer.kernel.numpy()) * (1 + 1e-5)
    layer.u.assign(0.5 * layer.u)
    np.testing.assert_allclose(layer.sigma(), fresh, rtol=1e-5)


def test_the_output_is_a_convolution_with_the_normalised_kernel(layer):
    kernel = layer.kernel.numpy() / _largest_singular_value(layer.kernel.numpy())
    expected = tf.nn.conv2d(_inputs(), kernel, 1, "SAME") + np.arange(5.0, dtype=np.float32)
    np.testing.assert_allclose(layer(_inputs(), training=True), expected, atol=1e-5)
    np.testing.assert_allclose(layer(_inputs()), expected, atol=1e-5)


def test_only_training_moves_u():
    layer = SpectralConv2D(5, 3)
    layer(_inputs())
    before = layer.u.numpy()
    layer(_inputs(), training=False)
    np.testing.assert_array_equal(layer.u, before)
    layer(_inputs(), training=True)
    assert np.abs(layer.u.numpy() - before).max() > 0.01
    np.testing.assert_allclose(np.linalg.norm(layer.u), 1.0, rtol=1e-5)


def test_the_gradient_flows_through_sigma(layer):
    """Against finite differences of `<cotangent, W / sigma(W)>` with sigma from an SVD."""
    rng = np.random.default_rng(2)
    kernel = layer.kernel.numpy().astype(np.float64)
    # On a single pixel a 1 x 1 output picks the kernel's middle; a 3 x 3 one uses all of it.
    inputs = rng.normal(size=(1, 3, 3, 3)).astype(np.float32)
    cotangent = rng.normal(size=(1, 3, 3, 5)).astype(np.float32)

    def loss(kernel):
        normalised = tf.constant(kernel / _largest_singular_value(kernel))
        outputs = tf.nn.conv2d(inputs.astype(np.float64), normalised, 1, "SAME")
        return float(tf.reduce_sum(outputs * cotangent))

    with tf.GradientTape() as tape:
        value = tf.reduce_sum(layer(inputs, training=True) * cotangent)
    gradient = tape.gradient(value, layer.kernel.value).numpy()
    for _ in range(5):
        direction = rng.normal(size=kernel.shape)
        step = 1e-5 * direction
        numeric = (loss(kernel + step) - loss(kernel - step)) / 2e-5
        np.testing.assert_allclose(np.sum(gradient * direction), numeric, rtol=1e-3, atol=1e-3)
    # W / sigma does not depend on the length of W.
    assert abs(np.sum(gradient * kernel)) < 1e-4 * np.abs(gradient).sum() * np.abs(kernel).max()


def test_before_convergence_the_singular_vectors_are_constants():
    """`d sigma / d W = v u^T` (algorithm 1 of the paper), with u and v of one power iteration."""
    layer = SpectralConv2D(4, 1, use_bias=False)
    x, cotangent = (np.random.default_rng(seed).normal(size=n) for seed, n in ((0, 6), (1, 4)))
    inputs = tf.constant(x.reshape(1, 1, 1, 6), tf.float32)
    layer.build(inputs.shape)
    w, u = layer.kernel.numpy()[0, 0].astype(np.float64), layer.u.numpy().astype(np.float64)
    u /= np.linalg.norm(u)
    v = w @ u / np.linalg.norm(w @ u)
    sigma = v @ w @ u
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(inputs) * cotangent)
    gradient = tape.gradient(loss, layer.kernel.value)[0, 0]
    expected = np.outer(x, cotangent) / sigma - (x @ w @ cotangent) / sigma**2 * np.outer(v, u)
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-5)


def test_fuse_keeps_the_outputs_at_inference(layer):
    before = layer(_inputs()).numpy()
    layer.fuse()
    np.testing.assert_allclose(_largest_singular_value(layer.kernel.numpy()), 1.0, rtol=1e-5)
    np.testing.assert_allclose(layer(_inputs()), before, atol=1e-6)


def test_fuse_is_idempotent(layer):
    layer.kernel.assign(2.0 * layer.kernel)
    layer.fuse()
    fused_once = layer.kernel.numpy()
    layer.fuse()
    np.testing.assert_array_equal(layer.kernel, fused_once)


def test_fuse_spectral_norm_fuses_all_layers_of_a_network():
    network = keras.Sequential([SpectralConv2D(4, 3), keras.layers.ReLU(), SpectralConv2D(2, 3)])
    before = network(_inputs()).numpy()
    fuse_spectral_norm(network)
    assert [layer.fused for layer in network.layers if isinstance(layer, SpectralConv2D)] == [True, True]
    np.testing.assert_allclose(network(_inputs()), before, atol=1e-6)
