import numpy as np
import tensorflow as tf

from cmrtf.networks.multiscale_discriminator import MultiscaleDiscriminator
from layer_checks import check_layer

INPUTS = np.random.default_rng(0).normal(size=(2, 16, 16, 5)).astype(np.float32)


def test_layer_checks():
    shapes = [(2, 8, 8, 4), (2, 8, 8, 8), (2, 8, 8, 1), (2, 4, 4, 4), (2, 4, 4, 8), (2, 4, 4, 1)]
    config = {"num_scales": 2, "base_width": 4, "num_layers": 2}
    check_layer(MultiscaleDiscriminator, config, [INPUTS], shapes, (12, 6))


def test_second_scale_gets_inputs_of_half_the_size():
    network = MultiscaleDiscriminator(2, 4, 2)
    features = network(INPUTS)
    half = INPUTS.reshape(2, 8, 2, 8, 2, 5).mean((2, 4))
    for ours, expected in zip(features[1], network.scales[1](tf.constant(half)), strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_list_of_inputs_passes_through_the_same_kernels():
    """Real and fake side by side: as one batch of both, with one power iteration for the two."""
    real, fake = tf.constant(INPUTS), tf.constant(INPUTS[::-1] * 0.5)
    network = MultiscaleDiscriminator(2, 4, 2)
    network.build(INPUTS.shape)
    twin = MultiscaleDiscriminator(2, 4, 2)
    twin.build(INPUTS.shape)
    twin.set_weights(network.get_weights())
    separate = network([real, fake], training=True)
    together = twin(tf.concat([real, fake], 0), training=True)
    for ours, reference in zip(separate, together, strict=True):
        for (real_features, fake_features), both in zip(ours, reference, strict=True):
            np.testing.assert_allclose(tf.concat([real_features, fake_features], 0), both, atol=1e-5)
    for ours, reference in zip(network.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(ours, reference, atol=1e-6)
