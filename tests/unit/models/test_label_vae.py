import keras
import numpy as np
import pytest
import tensorflow as tf

from cmrtf.losses import cross_entropy_loss
from cmrtf.models.label_vae import LabelVAE
from train_steps import assert_descended, assert_reported

SIZE = 16
CONFIG = {
    "num_classes": 4,
    "size": SIZE,
    "latent_dim": 3,
    "widths": (8, 16),
    "depth": 1,
    "linear_path": False,
}


def _batch(size=SIZE, examples=2):
    rng = np.random.default_rng(0)
    label_ids = np.zeros((examples, size, size), np.uint8)
    y, x = np.indices((size, size)) - size / 2
    for i, label_map in enumerate(label_ids):
        label_map[np.hypot(y, x - i) < size / 3] = 2
        label_map[np.hypot(y, x - i) < size / 5 + i] = 1
        label_map[:, : size // 6] = 3
    return {
        "label_ids": tf.constant(label_ids),
        "latent_noise": tf.constant(rng.normal(size=(examples, 3)), tf.float32),
    }


def _compiled(learning_rate=0.01, kl_weight=1.0, kl_warmup_steps=10, **changes):
    keras.utils.set_random_seed(0)
    model = LabelVAE(**CONFIG | changes)
    model.compile(keras.optimizers.Adam(learning_rate), kl_weight, kl_warmup_steps)
    return model


@pytest.mark.slow
def test_training_overfits_two_label_maps():
    model = _compiled(learning_rate=0.005, kl_weight=0.01, size=32)
    batch = _batch(32)
    step = tf.function(model.train_step, autograph=False)
    first = float(step(batch)["loss"])
    for _ in range(120):
        model.reset_metrics()
        last = float(step(batch)["loss"])
    assert last < 0.02 * first
    assert np.mean(model(batch["label_ids"]).numpy() == batch["label_ids"].numpy()) > 0.99


def test_shapes_and_types():
    model = LabelVAE(**CONFIG)
    posterior = model.encode(_batch()["label_ids"])
    assert posterior.mean.shape == posterior.log_variance.shape == (2, 3)
    assert model.decode(posterior.mean).shape == (2, SIZE, SIZE, 4)
    reconstruction = model(_batch()["label_ids"])
    assert (reconstruction.shape, reconstruction.dtype) == ((2, SIZE, SIZE), tf.int32)


def test_beta_grows_linearly_then_is_constant():
    model = _compiled(kl_weight=2.0, kl_warmup_steps=10)
    betas = []
    for step in (0, 5, 10, 40):
        model.optimizer.iterations.assign(step)
        betas.append(float(model.beta()))
    assert betas == [0.0, 1.0, 2.0, 2.0]


def test_beta_without_warm_up_is_kl_weight_from_the_second_step():
    model = _compiled(kl_weight=2.0, kl_warmup_steps=0)
    model.optimizer.iterations.assign(1)
    assert float(model.beta()) == 2.0


def test_train_step_descends_cross_entropy_plus_beta_kl():
    """Plain gradient descent, against the loss written out on a second model of the same weights."""
    batch, rate = _batch(), 1e-3
    model, twin = _compiled(), LabelVAE(**CONFIG)
    twin.set_weights(model.get_weights())
    model.compile(keras.optimizers.SGD(rate), kl_weight=3.0, kl_warmup_steps=4)
    model.optimizer.iterations.assign(2)
    with tf.GradientTape() as tape:
        mean, log_variance = twin.encode(batch["label_ids"], training=True)
        code = mean + tf.exp(log_variance / 2) * batch["latent_noise"]
        cross_entropy = cross_entropy_loss(batch["label_ids"], twin.decode(code, training=True))
        kl = 0.5 * tf.reduce_sum(mean**2 + tf.exp(log_variance) - 1 - log_variance, -1)
        loss = tf.reduce_mean(cross_entropy + 1.5 * kl)
    gradients = tape.gradient(loss, twin.trainable_variables)

    reported = model.train_step(batch)
    expected = {"loss": loss, "cross_entropy": np.mean(cross_entropy), "kl": np.mean(kl)}
    assert_reported(reported, expected)
    assert_descended(model, twin, gradients, rate)


def test_train_step_descends_the_interpolation_loss_too():
    """Against the loss written out: slices are decoded from the mean of their neighbours' posterior means."""
    batch, rate = _batch(), 1e-3
    below, above = batch["label_ids"][::-1], tf.roll(batch["label_ids"], 2, axis=-1)
    batch["neighbour_ids"] = tf.stack([below, above], 1)
    model, twin = _compiled(linear_path=True), LabelVAE(**CONFIG | {"linear_path": True})
    twin.set_weights(model.get_weights())
    model.compile(keras.optimizers.SGD(rate), kl_weight=3.0, kl_warmup_steps=0, interpolation_loss_weight=0.5)
    model.optimizer.iterations.assign(1)
    with tf.GradientTape() as tape:
        means, log_variances = twin.encode(tf.concat([batch["label_ids"], below, above], 0), training=True)
        mean, log_variance = means[:2], log_variances[:2]
        codes = [mean + tf.exp(log_variance / 2) * batch["latent_noise"], 0.5 * means[2:4] + 0.5 * means[4:]]
        logits = twin.decode(tf.concat(codes, 0), training=True)
        cross_entropy = cross_entropy_loss(batch["label_ids"], logits[:2])
        between = cross_entropy_loss(batch["label_ids"], logits[2:])
        kl = 0.5 * tf.reduce_sum(mean**2 + tf.exp(log_variance) - 1 - log_variance, -1)
        loss = tf.reduce_mean(cross_entropy + 3.0 * kl + 0.5 * between)
    gradients = tape.gradient(loss, twin.trainable_variables)

    reported = model.train_step(batch)
    expected = {"loss": loss, "cross_entropy": np.mean(cross_entropy), "kl": np.mean(kl)}
    assert set(reported) == {*expected, "between"}
    for name, value in (expected | {"between": np.mean(between)}).items():
        np.testing.assert_allclose(reported[name], value, rtol=1e-5)
    assert_descended(model, twin, gradients, rate)


def test_inference_does_not_depend_on_the_batch():
    model = _compiled()
    batch = _batch(examples=4)
    model.train_step(batch)
    posterior = model.encode(batch["label_ids"])
    np.testing.assert_allclose(model.encode(batch["label_ids"][2:3]).mean[0], posterior.mean[2], atol=1e-5)
    logits = model.decode(posterior.mean)
    np.testing.assert_allclose(model.decode(posterior.mean[2:3])[0], logits[2], atol=1e-5)


def test_config_round_trip():
    model = LabelVAE(**CONFIG)
    twin = LabelVAE.from_config(model.get_config())
    assert twin.get_config() == CONFIG | {"bottleneck_dim": 0}
    twin.set_weights(model.get_weights())
    code = tf.ones((1, 3))
    np.testing.assert_array_equal(twin.decode(code), model.decode(code))


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_train_step_in_either_precision(policy):
    keras.config.set_dtype_policy(policy)
    model = _compiled()
    model.train_step(_batch())
    assert model.decode(tf.ones((1, 3))).dtype == tf.float32
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert np.isfinite(float(model.trackers["loss"].result()))


def test_what_is_unknown_is_left_out_of_the_loss():
    """In both terms that compare with labels."""
    unknown = tf.constant([[False, False, False, True], [False, False, True, True]])
    batch = _batch() | {"unknown": unknown, "neighbour_ids": tf.stack([_batch()["label_ids"]] * 2, 1)}
    model = _compiled()
    model.compile(keras.optimizers.SGD(0.0), 1.0, 4, interpolation_loss_weight=0.5)
    terms = model._terms(batch)
    code = model.encode(tf.tile(batch["label_ids"], (3, 1, 1)), training=True).split(3)[0]
    sampled, mean = code.sample(batch["latent_noise"]), code.mean
    logits = tf.split(model.decode(tf.concat([sampled, mean], 0), training=True), 2)
    for name, of in zip(("cross_entropy", "between"), logits, strict=True):
        expected = cross_entropy_loss(batch["label_ids"], of, unknown)
        np.testing.assert_allclose(terms[name], expected, rtol=1e-4)
        assert (terms[name] < cross_entropy_loss(batch["label_ids"], of)).numpy().all()
