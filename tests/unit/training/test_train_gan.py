import keras
import numpy as np
import pytest
import tensorflow as tf

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.errors import CmrtfError
from cmrtf.networks.gaussian import Gaussian
from cmrtf.training.train import train_gan
from cmrtf.training.train_gan import HalfCosineDecay, SynthesisReport, sample_slices
from prepared_cohort import write_cohort


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
    metrics = SynthesisReport(FakeGAN(), samples, tmp_path)(30)
    assert metrics["val_l1"] == pytest.approx(0.25 * 0.3 + 0.75 * 0.1)
    assert [path.name for path in tmp_path.iterdir()] == ["step_000030.png"]


@pytest.mark.parametrize("num_slices", [1, 2, 3, 9])
@pytest.mark.parametrize("num_validation", [0, 1, 2])
def test_samples_are_slices_of_held_out_subjects_where_there_are_any(tmp_path, num_validation, num_slices):
    folder = write_cohort(tmp_path / "cohort", num_slices=num_slices, num_validation=num_validation)
    cohort = PreparedCohort.open(folder)
    samples = sample_slices(cohort)
    assert samples["labels"].shape == samples["real"].shape == (8, 16, 16)
    held_out = [f"S{number}" for number in range(5 - (num_validation or 4), 5)]
    slices = [(stack.image, stack.label_ids) for code in held_out for stack in cohort[code].stacks.values()]
    images, label_ids = (np.concatenate(parts) for parts in zip(*slices, strict=True))
    for image, labels in zip(samples["real"], samples["labels"], strict=True):
        (at,) = np.flatnonzero((images == image).all((1, 2)))
        np.testing.assert_array_equal(label_ids[at], labels)


def test_the_learning_rate_is_constant_then_falls_to_zero():
    schedule = HalfCosineDecay(2.0, 100)
    rates = [float(schedule(step)) for step in (0, 50, 75, 100)]
    np.testing.assert_allclose(rates, [2.0, 2.0, 1.0, 0.0], atol=1e-6)


def test_the_schedule_survives_serialisation():
    plain = keras.saving.serialize_keras_object(HalfCosineDecay(2.0, 9))
    schedule = keras.saving.deserialize_keras_object(plain)
    assert schedule.get_config() == {"learning_rate": 2.0, "steps": 9}


def test_samples_take_every_subject_once_before_its_other_phase(tmp_path):
    cohort = PreparedCohort.open(write_cohort(tmp_path / "cohort", num_slices=7, num_validation=2))
    columns = sample_slices(cohort)["real"]
    expected = [("S3", "ED"), ("S4", "ED"), ("S3", "ES"), ("S4", "ES")] * 2
    for number, (image, (code, phase), k) in enumerate(
        zip(columns, expected, (2, 3, 4, 2, 3, 4, 2, 3), strict=True)
    ):
        np.testing.assert_array_equal(image, cohort[code].stacks[phase].image[k], err_msg=str(number))


def test_samples_are_of_the_phases_that_are_labelled_best(tmp_path):
    every = {"RV": [0, 1, 2]}
    unknown = {f"S{n}": {"ED": every, "ES": every | {"MYO": [0, 1, 2]}} for n in range(1, 5)}
    cohort = PreparedCohort.open(write_cohort(tmp_path / "cohort", unknown=unknown))
    images = cohort["S4"].ed.image
    assert all((images == image).all((1, 2)).any() for image in sample_slices(cohort)["real"])


def test_a_cohort_without_whole_labels_is_refused(tmp_path):
    ed, es = {"MYO": [0, 1, 2]}, {"RV": [0, 1, 2]}
    unknown = {f"S{n}": {"ED": ed, "ES": es} for n in range(1, 5)}
    folder = write_cohort(tmp_path / "cohort", unknown=unknown)
    with pytest.raises(CmrtfError, match="expected slices in which all structures are labelled"):
        train_gan(folder, tmp_path / "run", "demo")
