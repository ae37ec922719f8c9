import numpy as np
import pytest
import tensorflow as tf

from cmrtf.layers.conv_block import ConvBlock
from layer_checks import check_layer


def _inputs():
    return np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)


@pytest.mark.parametrize(("resize", "size"), [("same", 8), ("down", 4), ("up", 16)])
def test_layer_checks(resize, size):
    check_layer(ConvBlock, {"channels": 5, "resize": resize}, [_inputs()], [(2, size, size, 5)], (3, 2))


@pytest.mark.parametrize("training", [True, False])
def test_output_is_convolution_normalisation_and_leaky_relu(training):
    layer = ConvBlock(5)
    layer.build((None, 8, 8, 3))
    scale, offset = np.linspace(0.5, 2.0, 5), np.linspace(-1.0, 1.0, 5)
    layer.scale.assign(scale)
    layer.offset.assign(offset)
    x = tf.nn.conv2d(_inputs(), layer.conv.kernel.numpy(), 1, "SAME").numpy()
    mean, variance = (x.mean((0, 1, 2)), x.var((0, 1, 2))) if training else (0, 1)  # where averages start
    x = (x - mean) / np.sqrt(variance + 1e-5) * scale + offset
    np.testing.assert_allclose(layer(_inputs(), training=training), np.maximum(x, 0.01 * x), atol=1e-4)
