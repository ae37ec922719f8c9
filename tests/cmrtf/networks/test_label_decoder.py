import numpy as np
import tensorflow as tf

from cmrtf.networks.label_decoder import LabelDecoder

CODE = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)


def test_as_a_layer(check_layer):
    config = {"num_classes": 4, "widths": (4, 8), "depth": 2, "size": 16}
    network = check_layer(LabelDecoder, config, [CODE], [(2, 16, 16, 4)], (2 + 4 * 3 + 2, 4 * 2))
    assert network.start_size == 4


def test_it_mirrors_the_encoder():
    """The smallest map is refined, each stage above doubles first; the last doubling is sub-pixel."""
    network = LabelDecoder(4, (4, 8, 16), depth=2, size=32)
    blocks = [(block.channels, block.resize) for block in network.blocks]
    assert blocks == [(16, "same"), (16, "same"), (8, "up"), (8, "same"), (4, "up"), (4, "same")]
    assert network.start_size == 4


def test_logits_are_float32_in_mixed_precision():
    logits = LabelDecoder(4, (4, 8), 1, 16, dtype="mixed_bfloat16")(CODE)
    assert logits.dtype == tf.float32
