import numpy as np
import pytest
import tensorflow as tf

from cmrtf.layers.instance_conv_block import InstanceConvBlock
from layer_checks import check_layer


def _inputs():
    return np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)


@pytest.mark.parametrize(("resize", "size"), [("same", 8), ("down", 4), ("up", 16)])
def test_layer_checks(resize, size):
    config = {"channels": 5, "resize": resize}
    check_layer(InstanceConvBlock, config, [_inputs()], [(2, size, size, 5)], (3, 0))


def test_each_channel_of_each_image_is_normalised_by_itself():
    layer = InstanceConvBlock(5)
    layer.build((None, 8, 8, 3))
    x = tf.nn.conv2d(_inputs(), layer.conv.kernel.numpy(), 1, "SAME").numpy()
    mean, variance = x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)
    x = (x - mean) / np.sqrt(variance + 1e-5)
    np.testing.assert_allclose(layer(_inputs()), np.maximum(x, 0.01 * x), atol=1e-4)


def test_another_contrast_of_an_image_changes_nothing():
    layer = InstanceConvBlock(5)
    np.testing.assert_allclose(layer(3.0 * _inputs()), layer(_inputs()), atol=1e-3)


def test_training_makes_no_difference_nor_does_the_batch():
    layer = InstanceConvBlock(5)
    expected = layer(_inputs(), training=True)
    np.testing.assert_array_equal(layer(_inputs(), training=False), expected)
    np.testing.assert_allclose(layer(_inputs()[1:])[0], expected[1], atol=1e-5)
