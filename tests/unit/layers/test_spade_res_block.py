import numpy as np
import pytest
import tensorflow as tf

from cmrtf.layers.label_neighbourhoods import find_label_neighbourhoods
from cmrtf.layers.spade_res_block import SPADEResBlock
from layer_checks import check_layer

INPUTS = np.random.default_rng(0).normal(size=(2, 8, 8, 4)).astype(np.float32)
LABEL_IDS = np.random.default_rng(1).integers(0, 4, (2, 8, 8))


@pytest.mark.parametrize(
    ("channels", "num_weights"), [(4, (12, 6)), (6, (17, 9)), (2, (17, 9))], ids=["same", "more", "fewer"]
)
@pytest.mark.parametrize("dense", [False, True])
def test_layer_checks(channels, num_weights, dense):
    """The shortcut has weights only where the number of channels changes."""
    labels = tf.one_hot(LABEL_IDS, 4) if dense else find_label_neighbourhoods(tf.constant(LABEL_IDS), 4)
    config = {"channels": channels, "hidden_channels": 5, "num_classes": 4}
    check_layer(SPADEResBlock, config, [INPUTS, labels], [(2, 8, 8, channels)], num_weights)


@pytest.mark.parametrize(("channels", "middle"), [(6, 4), (2, 2)])
def test_middle_has_the_smaller_number_of_channels(channels, middle):
    block = SPADEResBlock(channels, 5, 4)
    block.build((None, 8, 8, 4))
    assert block.conv_0.filters == middle
    assert block.conv_shortcut.bias is None


def test_block_without_its_second_convolution_is_its_shortcut():
    block = SPADEResBlock(4, 5, 4)
    block.build((None, 8, 8, 4))
    block.conv_1.kernel.assign(tf.eye(4, batch_shape=(3, 3)) * 1e-12)
    block.spade_1.modulation_kernel.assign(tf.zeros_like(block.spade_1.modulation_kernel))
    block.spade_1.modulation_bias.assign([-1.0] * 4 + [0.0] * 4)  # gamma = -1, beta = 0: all zeros
    labels = find_label_neighbourhoods(tf.constant(LABEL_IDS), 4)
    np.testing.assert_allclose(block(INPUTS, labels), INPUTS, atol=1e-6)
