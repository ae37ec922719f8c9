import keras
import numpy as np
import tensorflow as tf

from cmrtf.networks.label_decoder import LabelDecoder
from layer_checks import check_layer

CODE = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)


def test_layer_checks():
    config = {"num_classes": 4, "widths": (4, 8), "depth": 2, "size": 16}
    network = check_layer(LabelDecoder, config, [CODE], [(2, 16, 16, 4)], (2 + 4 * 3 + 2, 4 * 2))
    assert network.start_size == 4


def test_a_bottleneck_is_two_linear_layers_after_the_code():
    """Two kernels and two biases more."""
    config = {"num_classes": 4, "widths": (4, 8), "depth": 1, "size": 16, "bottleneck_dim": 5}
    network = check_layer(LabelDecoder, config, [CODE], [(2, 16, 16, 4)], (2 + 2 * 3 + 2 + 4, 2 * 2))
    assert network.bottleneck[0].kernel.shape == (3, 5)
    assert network.from_code.kernel.shape == (5, 4 * 4 * 8)


def test_stages_mirror_the_encoder():
    """The smallest map is refined, each stage above doubles first; the last doubling is sub-pixel."""
    network = LabelDecoder(4, (4, 8, 16), depth=2, size=32)
    blocks = [(block.channels, block.resize) for block in network.blocks]
    assert blocks == [(16, "same"), (16, "same"), (8, "up"), (8, "same"), (4, "up"), (4, "same")]
    assert network.start_size == 4


def test_logits_are_float32_in_mixed_precision():
    logits = LabelDecoder(4, (4, 8), 1, 16, dtype="mixed_bfloat16")(CODE)
    assert logits.dtype == tf.float32


def test_initial_logits_are_those_of_the_pca_skip_connection():
    keras.utils.set_random_seed(0)
    network = LabelDecoder(4, (4, 8), 1, 16, linear_path=True)
    logits = network(CODE)
    kernel, bias = network.linear.get_weights()
    linear = (CODE @ kernel + bias).reshape(2, 8, 8, 4)
    np.testing.assert_allclose(logits, tf.image.resize(linear, (16, 16)), atol=1e-5)
    between = network(CODE.mean(0, keepdims=True))
    np.testing.assert_allclose(between[0], np.mean(logits, 0), atol=1e-5)


def test_convolutions_add_to_the_pca_skip_connection():
    keras.utils.set_random_seed(0)
    network = LabelDecoder(4, (4, 8), 1, 16, linear_path=True)
    before = network(CODE)
    network.to_logits.kernel.assign_add(tf.ones_like(network.to_logits.kernel))
    assert not np.allclose(network(CODE), before)
