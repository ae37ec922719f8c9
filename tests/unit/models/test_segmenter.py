import keras
import numpy as np
import pytest
import tensorflow as tf

from cmrtf.losses import cross_entropy_loss, soft_dice_loss
from cmrtf.models.segmenter import Segmenter
from train_steps import assert_descended, assert_reported

SIZE = 16
CONFIG = {"num_classes": 4, "size": SIZE, "widths": (8, 8, 16), "depth": 1, "normalisation": "batch"}


def _batch(examples=3):
    """A disc in a ring, at another place in every slice; the last slice is empty."""
    label_ids = np.zeros((examples, SIZE, SIZE), np.uint8)
    y, x = np.indices((SIZE, SIZE)) - SIZE / 2
    for i, label_map in enumerate(label_ids[:-1]):
        label_map[np.hypot(y, x - i) < 5] = 2
        label_map[np.hypot(y, x - i) < 3] = 1
    noise = np.random.default_rng(0).normal(0, 0.1, (*label_ids.shape, 1))
    image = np.array([-0.8, 0.7, -0.2, 0.5])[label_ids][..., None] + noise
    return {"image": tf.constant(image, tf.float32), "label_ids": tf.constant(label_ids)}


def _compiled(optimizer=None):
    keras.utils.set_random_seed(0)
    model = Segmenter(**CONFIG)
    model.compile(optimizer or keras.optimizers.Adam(0.01))
    return model


@pytest.mark.slow
def test_training_overfits_discs_in_rings_and_an_empty_slice():
    model, batch = _compiled(), _batch()
    step = tf.function(model.train_step, autograph=False)
    first = float(step(batch)["loss"])
    for _ in range(100):
        model.reset_metrics()
        last = float(step(batch)["loss"])
    assert last < 0.1 * first
    predicted = model(batch["image"]).numpy()
    assert np.mean(predicted == batch["label_ids"].numpy()) > 0.98
    assert not predicted[-1].any(), "the empty slice"


def test_shapes_and_types():
    model = Segmenter(**CONFIG)
    label_ids, features = model(_batch()["image"]), model.features(_batch()["image"])
    assert (label_ids.shape, label_ids.dtype) == ((3, SIZE, SIZE), tf.int32)
    assert (features.shape, features.dtype) == ((3, 16), tf.float32)


def test_features_are_the_mean_of_the_smallest_map():
    model = Segmenter(**CONFIG)
    deepest = model.unet.encode(_batch()["image"])[-1].numpy()
    assert deepest.shape == (3, 4, 4, 16)
    np.testing.assert_allclose(model.features(_batch()["image"]), deepest.mean((1, 2)), atol=1e-6)


def test_train_step_descends_cross_entropy_per_pixel_plus_soft_dice():
    """Plain gradient descent, against the loss written out on a second model of the same weights."""
    batch, rate = _batch(), 0.1
    model, twin = _compiled(keras.optimizers.SGD(rate)), Segmenter(**CONFIG)
    twin.set_weights(model.get_weights())
    with tf.GradientTape() as tape:
        logits = twin.unet(batch["image"], training=True)
        cross_entropy = cross_entropy_loss(batch["label_ids"], logits) / 256
        soft_dice = soft_dice_loss(batch["label_ids"], logits)
        loss = tf.reduce_mean(cross_entropy + soft_dice)
    gradients = tape.gradient(loss, twin.trainable_variables)

    reported = model.train_step(batch)
    expected = {"loss": loss, "cross_entropy": np.mean(cross_entropy), "soft_dice": np.mean(soft_dice)}
    assert_reported(reported, expected)
    assert_descended(model, twin, gradients, rate)


def test_config_round_trip():
    model = Segmenter(**CONFIG)
    twin = Segmenter.from_config(model.get_config())
    assert twin.get_config() == CONFIG
    twin.set_weights(model.get_weights())
    np.testing.assert_array_equal(twin(_batch()["image"]), model(_batch()["image"]))


def test_train_step_refuses_a_foreign_label_id():
    batch = _batch() | {"label_ids": tf.fill((3, SIZE, SIZE), tf.constant(7, tf.uint8))}
    with pytest.raises(tf.errors.InvalidArgumentError, match="7"):
        _compiled().train_step(batch)
