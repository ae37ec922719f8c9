import numpy as np
import pytest
import tensorflow as tf

from cmrtf.networks.style_encoder import StyleEncoder


def _built():
    network = StyleEncoder(style_dim=5, context_dim=3, num_classes=4, base_width=8, image_size=16)
    network.build((None, 16, 16, 1))
    return network


def test_a_code_is_contrast_and_then_context():
    network = _built()
    image = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 1)).astype(np.float32)
    posterior = network(image)
    contrast, context = network.parts(posterior.mean)
    assert posterior.log_variance.shape == (2, 5)
    np.testing.assert_array_equal(contrast, network.contrast_encoder(image).mean)
    np.testing.assert_array_equal(context, network.context_vae.encode(image).mean)


def test_tissues_take_the_place_of_the_background_only(monkeypatch):
    """Class 0 of the tissues is id 0, and the others follow the three structures of the heart."""
    label_ids = np.array([[[0, 0, 0, 0], [1, 2, 3, 0]]], np.uint8)
    logits = tf.one_hot([[[0, 1, 2, 3], [3, 3, 3, 3]]], 4)
    network = _built()
    monkeypatch.setattr(network.context_vae, "decode", lambda code, training: logits)
    styled = network.decode(np.arange(5, dtype=np.float32)[None], label_ids)
    np.testing.assert_array_equal(styled.tissue_ids, [[[0, 4, 5, 6], [1, 2, 3, 6]]])
    np.testing.assert_array_equal(styled.contrast, [[0.0, 1.0]])


def test_the_context_is_decoded_from_the_last_part_of_the_code():
    network, style = _built(), np.random.default_rng(0).normal(size=(2, 5)).astype(np.float32)
    styled = network.decode(style, np.zeros((2, 16, 16), np.uint8))
    np.testing.assert_array_equal(styled.context_logits, network.context_vae.decode(style[:, 2:]))


def test_a_label_that_the_heart_does_not_have_is_refused():
    """It would be taken for a tissue."""
    with pytest.raises(tf.errors.InvalidArgumentError, match="label_ids must be within"):
        _built().decode(tf.zeros((1, 5)), np.full((1, 16, 16), 4))


def test_a_twin_computes_the_same():
    network = _built()
    twin = StyleEncoder.from_config(network.get_config())
    twin.build((None, 16, 16, 1))
    twin.set_weights(network.get_weights())
    image = np.random.default_rng(1).uniform(-1, 1, (1, 16, 16, 1)).astype(np.float32)
    np.testing.assert_array_equal(twin(image).mean, network(image).mean)
