import keras
import numpy as np
import tensorflow as tf

from cmrtf.layers.tissue_classes import NUM_CLASSES
from cmrtf.losses import context_loss
from cmrtf.networks.context_vae import ContextVAE


def _built():
    keras.utils.set_random_seed(0)
    network = ContextVAE(context_dim=3, base_width=4, image_size=16)
    network.build()
    kernel = network.decoder.to_logits.kernel
    kernel.assign(0.1 * tf.random.stateless_normal(kernel.shape, (0, 1)))
    return network


def test_before_training_all_is_one_class():
    """Noise would be as many label neighbourhoods as there are pixels."""
    network = ContextVAE(context_dim=3, base_width=4, image_size=16)
    network.build()
    codes = tf.random.stateless_normal((4, 3), (0, 2))
    assert len(np.unique(tf.argmax(network.decode(codes), -1))) == 1


def _images():
    rng = np.random.default_rng(0)
    return np.sort(rng.uniform(-1, 1, (2, 16, 16, 1)).astype(np.float32), axis=1)


def test_codes_and_logits_have_their_shapes_and_a_twin_computes_the_same():
    network, images = _built(), _images()
    posterior = network.encode(images)
    logits = network.decode(posterior.mean)
    assert posterior.mean.shape == (2, 3)
    assert (logits.shape, logits.dtype) == ((2, 16, 16, NUM_CLASSES), tf.float32)
    twin = ContextVAE.from_config(network.get_config())
    twin.build()
    twin.set_weights(network.get_weights())
    np.testing.assert_array_equal(twin.decode(twin.encode(images).mean), logits)


def test_an_image_of_another_contrast_has_the_same_code():
    network, images = _built(), _images()
    np.testing.assert_array_equal(network.encode(0.3 * images - 0.2).mean, network.encode(images).mean)


def test_every_weight_learns_from_the_loss():
    network, images = _built(), _images()
    with tf.GradientTape() as tape:
        posterior = network.encode(images, training=True)
        logits = network.decode(posterior.sample(tf.ones((2, 3))), training=True)
        loss = context_loss(tf.ones((2, 16, 16), tf.int32), logits, tf.zeros((2, 16, 16), tf.int32))
    for gradient in tape.gradient(loss, network.trainable_variables):
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0.0
