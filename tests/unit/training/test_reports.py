"""What is measured and drawn after every interval."""

import logging
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.metrics.overlap import dice
from cmrtf.networks.gaussian import Gaussian
from cmrtf.training.train_gan import SynthesisReport, _HalfCosine, _samples
from cmrtf.training.train_vae import ReconstructionReport


class FakeVAE:
    """Codes a map as the areas of its labels, or as nothing; decodes the LV's square from its area."""

    def __init__(self, collapsed=False):
        self.collapsed = collapsed

    def encode(self, label_ids):
        areas = tf.reduce_mean(tf.one_hot(tf.cast(label_ids, tf.int32), 4), axis=[1, 2])
        mean = areas * (0.01 if self.collapsed else 10.0)
        return Gaussian(mean, tf.zeros_like(mean))

    def decode(self, code):
        square = tf.cast(tf.reduce_max(code[:, 1:2], -1) > -1, tf.int32)[:, None, None] * _square(8)
        return tf.one_hot(square, 4)


def _square(size):
    label_ids = np.zeros((1, size, size), np.int32)
    label_ids[:, 2:6, 2:6] = 1
    return label_ids


@pytest.fixture
def volumes():
    """LV areas of 0, 8 and 16 pixels beside one of myocardium and one of RV."""
    stack = np.zeros((3, 8, 8), np.uint8)
    stack[:, 0, :2] = 2, 3
    stack[1, 2:4, 2:6] = 1
    stack[2, 2:6, 2:6] = 1
    return [stack, np.ascontiguousarray(stack[::-1])]


def test_reconstructions_are_scored_per_volume_and_drawn(volumes, tmp_path):
    figures = ReconstructionReport(FakeVAE(), volumes, tmp_path)(30)
    reconstruction = np.repeat(_square(8), 3, axis=0)
    assert figures["dice_LV"] == pytest.approx(dice(volumes[0], reconstruction)["LV"])
    assert figures["active_dims"] == 2  # background and LV vary, the others do not
    assert [path.name for path in tmp_path.iterdir()] == ["step_000030.png"]


def test_a_collapsed_posterior_is_warned_of(volumes, tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "cmrtf"):
        figures = ReconstructionReport(FakeVAE(collapsed=True), volumes, tmp_path)(30)
    assert figures["active_dims"] == 0
    assert re.search(
        "step 30: the posterior has collapsed.*Lower kl_weight or lengthen kl_warmup", caplog.text
    )


def test_a_posterior_in_use_is_not_warned_of(volumes, tmp_path, caplog):
    ReconstructionReport(FakeVAE(), volumes, tmp_path)(30)
    assert "collapsed" not in caplog.text


def test_without_validation_volumes_nothing_is_reported(tmp_path):
    assert ReconstructionReport(FakeVAE(), [], tmp_path)(30) == {}
    assert not list(tmp_path.iterdir())


class FakeGAN:
    """A style is an image's mean; a synthesis shows its style everywhere."""

    def encode_style(self, image):
        mean = tf.reduce_mean(image, axis=[1, 2])
        return Gaussian(mean, tf.zeros_like(mean))

    def synthesize(self, label_ids, style):
        return style[:, None, None] * tf.ones((1, *label_ids.shape[1:], 1))


def test_syntheses_are_measured_in_their_own_style_and_drawn(tmp_path):
    real = np.zeros((8, 8, 8), np.float32)
    real[:, :, :2] = 0.4  # the mean is 0.1, away by 0.3 in a quarter and 0.1 in the rest
    samples = {"labels": np.zeros((8, 8, 8), np.uint8), "real": real}
    figures = SynthesisReport(FakeGAN(), samples, tmp_path)(30)
    assert figures["val_l1"] == pytest.approx(0.25 * 0.3 + 0.75 * 0.1)
    assert [path.name for path in tmp_path.iterdir()] == ["step_000030.png"]


@pytest.mark.parametrize("num_slices", [1, 2, 3, 9])
@pytest.mark.parametrize("num_validation", [0, 1, 2])
def test_samples_are_slices_of_held_out_subjects_where_there_are_any(
    write_cohort, tmp_path, num_validation, num_slices
):
    folder = write_cohort(tmp_path / "cohort", num_slices=num_slices, num_validation=num_validation)
    cohort = PreparedCohort.open(folder)
    samples = _samples(cohort)
    assert samples["labels"].shape == samples["real"].shape == (8, 16, 16)
    held_out = [f"S{number}" for number in range(5 - (num_validation or 4), 5)]
    slices = [(v.image, v.label_ids) for code in held_out for v in cohort.load(code).values()]
    images, label_ids = (np.concatenate(parts) for parts in zip(*slices, strict=True))
    for image, labels in zip(samples["real"], samples["labels"], strict=True):
        (at,) = np.flatnonzero((images == image).all((1, 2)))
        np.testing.assert_array_equal(label_ids[at], labels)


def test_the_learning_rate_is_constant_then_falls_to_zero():
    schedule = _HalfCosine(2.0, 100)
    rates = [float(schedule(step)) for step in (0, 50, 75, 100)]
    np.testing.assert_allclose(rates, [2.0, 2.0, 1.0, 0.0], atol=1e-6)


def test_the_schedule_survives_serialisation():
    schedule = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(_HalfCosine(2.0, 9)))
    assert schedule.get_config() == {"learning_rate": 2.0, "steps": 9}
