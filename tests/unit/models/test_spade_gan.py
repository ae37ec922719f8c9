import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from cmrtf.layers.tissue_classes import tissue_classes
from cmrtf.losses import (
    context_loss,
    feature_matching_loss,
    hinge_discriminator_loss,
    hinge_generator_loss,
    reconstruction_loss,
)
from cmrtf.models.differentiable_augmentation import NUM_DRAWS, augment
from cmrtf.models.loss_weights import LossWeights
from cmrtf.models.spade_gan import SPADEGAN

pytestmark = pytest.mark.slow

SIZE = 16
CONFIG = {
    "num_classes": 4,
    "size": SIZE,
    "style_dim": 3,
    "context_dim": 1,
    "base_width": 2,
    "hidden_channels": 4,
    "style_base_width": 8,
    "discriminator_base_width": 4,
    "discriminator_layers": 2,
}
RATES = (0.01, 0.02)
WEIGHTS = LossWeights(feature_matching=2.0, reconstruction=3.0, kl=0.5, context=1.5, perceptual=7.0)


def _batch(examples=2):
    rng = np.random.default_rng(0)
    return {
        "image": tf.constant(rng.uniform(-1, 1, (examples, SIZE, SIZE, 1)), tf.float32),
        "label_ids": tf.constant(rng.integers(0, 4, (examples, SIZE, SIZE)), tf.uint8),
        "style_noise": tf.constant(rng.normal(size=(examples, 3)), tf.float32),
        "augment_draws": tf.constant(rng.uniform(size=(examples, NUM_DRAWS)), tf.float32),
    }


@functools.cache
def _built(which, policy):
    """A model of a dtype policy, and the weights that it starts with; to build one takes a second."""
    keras.utils.set_random_seed(0)
    model = SPADEGAN(**CONFIG)
    return model, model.get_weights()


def _compiled(average_decay=0.9, **settings):
    """The same one each time, as if it were new."""
    model, start = _built("model", keras.config.dtype_policy().name)
    model.set_weights(start)
    model.trackers.pop("perceptual", None)
    model.reset_metrics()
    optimizers = [keras.optimizers.SGD(rate) for rate in RATES]
    model.compile(*optimizers, WEIGHTS, average_decay, **settings)
    return model


def _twin(model):
    twin, _ = _built("twin", keras.config.dtype_policy().name)
    twin.set_weights(model.get_weights())
    return twin


def _generate(gan, batch):
    """Posterior, logits of the context, label map with tissues, and the fake image."""
    posterior = gan.encode_style(batch["image"], training=True)
    style = posterior.mean + tf.exp(posterior.log_variance / 2) * batch["style_noise"]
    context_logits = gan.style_encoder.context_vae.decode(style[:, 2:], training=True)
    classes = tf.argmax(context_logits, -1, tf.int32)
    tissue_ids = tf.where(batch["label_ids"] > 0, tf.cast(batch["label_ids"], tf.int32), classes)
    tissue_ids = tf.where((batch["label_ids"] == 0) & (classes > 0), classes + 3, tissue_ids)
    return posterior, context_logits, tissue_ids, gan.generator(style[:, :2], tissue_ids, training=True)


def _discriminate(gan, image, fake, tissue_ids, batch, augmented=True):
    """The discriminator's feature maps of real and fake, each `[scale][layer]`."""
    label_map = tf.one_hot(tissue_ids, 7)
    both = []
    for pair in ((image, label_map), (fake, label_map)):
        images, labels = augment(*pair, batch["augment_draws"]) if augmented else pair
        both.append(tf.concat([labels, images], -1))
    scales = gan.discriminator(tf.concat(both, 0), training=True)
    real, fake = ([[tf.split(layer, 2)[i] for layer in scale] for scale in scales] for i in (0, 1))
    return real, fake


def _perceptual(real, fake):
    """A stand-in: the mean square difference."""
    return tf.reduce_mean(tf.square(real - fake), axis=[1, 2, 3])


@pytest.mark.parametrize(
    ("perceptual_loss", "augmented"), [(None, True), (_perceptual, False)], ids=["augmented", "perceptual"]
)
def test_train_step_of_the_generator_descends_its_loss_only(perceptual_loss, augmented):
    """Against the loss written out on a second model, differentiated by generator and style encoder."""
    batch = _batch()
    model = _compiled(perceptual_loss=perceptual_loss, augment_discriminator=augmented)
    twin = _twin(model)
    with tf.GradientTape() as tape:
        posterior, context_logits, tissue_ids, image = _generate(twin, batch)
        real, fake = _discriminate(twin, batch["image"], image, tissue_ids, batch, augmented)
        mean, log_variance = posterior
        kl = 0.5 * (mean**2 + tf.exp(log_variance) - 1 - log_variance)
        missed = context_loss(tissue_classes(batch["image"]), context_logits, batch["label_ids"])
        terms = {
            "g_hinge": hinge_generator_loss([scale[-1] for scale in fake]),
            "feature_matching": 2.0 * feature_matching_loss([s[:-1] for s in real], [s[:-1] for s in fake]),
            "reconstruction": 3.0 * reconstruction_loss(batch["image"], image, batch["label_ids"]),
            "kl": 0.5 * tf.reduce_sum(kl[:, :2], -1),
            "context": 1.5 * (missed + tf.reduce_sum(kl[:, 2:], -1)) / SIZE**2,
        }
        if perceptual_loss is not None:
            terms["perceptual"] = 7.0 * perceptual_loss(batch["image"], image)
        loss = tf.reduce_mean(tf.add_n(list(terms.values())))
    gradients = tape.gradient(loss, twin.g_variables)
    reported = model.train_step(batch)
    assert set(reported) == {*terms, "d_hinge", "d_real", "d_fake"}
    for name, values in terms.items():
        np.testing.assert_allclose(reported[name], np.mean(values), rtol=1e-4, atol=1e-6)
    for ours, before, gradient in zip(model.g_variables, twin.g_variables, gradients, strict=True):
        np.testing.assert_allclose(ours, before - RATES[0] * gradient, rtol=1e-4, atol=1e-5)


def test_train_step_of_the_discriminator_descends_its_loss_only():
    """The fake image is a constant in the discriminator's loss."""
    batch = _batch()
    model = _compiled()
    twin = _twin(model)
    *_, tissue_ids, image = _generate(twin, batch)
    with tf.GradientTape() as tape:
        real, fake = _discriminate(twin, batch["image"], tf.stop_gradient(image), tissue_ids, batch)
        real_logits, fake_logits = ([scale[-1] for scale in scales] for scales in (real, fake))
        loss = tf.reduce_mean(hinge_discriminator_loss(real_logits, fake_logits))
    gradients = tape.gradient(loss, twin.d_variables)
    reported = model.train_step(batch)
    np.testing.assert_allclose(reported["d_hinge"], loss, rtol=1e-5)
    np.testing.assert_allclose(reported["d_real"], np.mean([np.mean(x) for x in real_logits]), atol=1e-5)
    np.testing.assert_allclose(reported["d_fake"], np.mean([np.mean(x) for x in fake_logits]), atol=1e-5)
    for ours, before, gradient in zip(model.d_variables, twin.d_variables, gradients, strict=True):
        np.testing.assert_allclose(ours, before - RATES[1] * gradient, rtol=1e-4, atol=1e-5)


def test_the_two_optimizers_share_no_weight_and_leave_none_out():
    model = _compiled()
    g, d = ({id(variable) for variable in variables} for variables in (model.g_variables, model.d_variables))
    assert not g & d
    assert g | d == {id(variable) for variable in model.trainable_variables}
    average = {id(variable) for variable in model.generator_average.variables}
    assert not average & (g | d)


@pytest.mark.parametrize(("average_decay", "decays"), [(0.05, (0.05, 0.05)), (0.9, (2 / 11, 3 / 12))])
def test_generator_average_is_a_moving_average(average_decay, decays):
    """`min(decay, (1 + t) / (10 + t))` of the old and the rest of the new, statistics included."""
    model = _compiled(average_decay)
    for decay in decays:
        before = [variable.numpy() for variable in model.generator_average.variables]
        model.train_step(_batch())
        for average, old, new in zip(
            model.generator_average.variables, before, model.generator.variables, strict=True
        ):
            assert (average.name, average.shape) == (new.name, new.shape)
            np.testing.assert_allclose(average, decay * old + (1 - decay) * new, rtol=1e-5, atol=1e-6)


def test_generator_average_starts_as_the_generator():
    model = SPADEGAN(**CONFIG)
    for average, value in zip(model.generator_average.weights, model.generator.weights, strict=True):
        np.testing.assert_array_equal(average, value)


def test_synthesize_paints_the_context_of_the_style():
    model = _compiled()
    label_ids, style = _batch()["label_ids"], tf.ones((2, 3))
    tissue_ids = model.style_encoder.decode(style, label_ids).tissue_ids
    expected = model.generator_average(style[:, :2], tissue_ids)
    np.testing.assert_array_equal(model.synthesize(label_ids, style), expected)


def test_synthesize_uses_generator_average():
    model = _compiled()
    model.generator_average.to_image.bias.assign([100.0])
    np.testing.assert_allclose(model.synthesize(_batch()["label_ids"], tf.ones((2, 3))), 1.0)


def test_inference_does_not_depend_on_the_batch():
    model = _compiled()
    batch = _batch(4)
    model.train_step(batch)
    style = model.encode_style(batch["image"]).mean
    np.testing.assert_allclose(model.encode_style(batch["image"][2:3]).mean[0], style[2], atol=1e-5)
    image = model.synthesize(batch["label_ids"], style)
    alone = model.synthesize(batch["label_ids"][2:3], style[2:3])
    assert image.shape == (4, SIZE, SIZE, 1)
    np.testing.assert_allclose(alone[0], image[2], atol=1e-5)


def test_config_round_trip():
    model = SPADEGAN(**CONFIG)
    twin = SPADEGAN.from_config(model.get_config())
    assert twin.get_config() == CONFIG | {"discriminator_last_stride": 1}
    twin.set_weights(model.get_weights())
    arguments = _batch()["label_ids"], tf.ones((2, 3))
    np.testing.assert_array_equal(twin.synthesize(*arguments), model.synthesize(*arguments))


def test_losses_in_mixed_precision_are_those_of_float32():
    """To the three digits of bfloat16, added up."""
    expected = _compiled().train_step(_batch())
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = _compiled()
    reported = model.train_step(_batch())
    for name, value in expected.items():
        assert float(reported[name]) == pytest.approx(float(value), rel=0.03, abs=0.01), name
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model.synthesize(_batch()["label_ids"], tf.ones((2, 3))).dtype == tf.float32
