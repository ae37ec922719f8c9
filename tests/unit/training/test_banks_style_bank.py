import json

import numpy as np
import pytest
import tensorflow as tf

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.networks.gaussian import Gaussian
from cmrtf.training.banks import write_style_bank


class BrightnessEncoder:
    """Encodes an image as its mean and its mean square."""

    def encode_style(self, image):
        mean = tf.stack([tf.reduce_mean(image**power, axis=[1, 2, 3]) for power in (1, 2)], -1)
        return Gaussian(mean, tf.zeros_like(mean))


@pytest.fixture(scope="module")
def cohort(write_cohort, tmp_path_factory):
    """S1 to S3 of vendors A, A and unknown to train on, S4 of B to validate; S2 has no ES."""
    folder = tmp_path_factory.mktemp("bank") / "cohort"
    return PreparedCohort.open(write_cohort(folder, vendors=("A", "A", "", "B"), phases={"S2": ("ED",)}))


@pytest.fixture(scope="module")
def bank(cohort, tmp_path_factory):
    path = tmp_path_factory.mktemp("bank") / "style_bank.json"
    write_style_bank(BrightnessEncoder(), cohort, path)
    return json.loads(path.read_text())


def _style(cohort, subject):
    images = np.concatenate([volume.image for volume in cohort.load(subject).values()])
    return [images.mean(), (images**2).mean()]


def test_a_subjects_style_is_the_mean_over_its_slices_in_all_phases(cohort, bank):
    for subject in ("S1", "S2", "S3"):
        np.testing.assert_allclose(bank["subjects"][subject]["style"], _style(cohort, subject), rtol=1e-5)
        number = int(subject[1])
        assert bank["subjects"][subject]["intensity_window"] == [10.0 * number, 100.0 * number]


def test_vendors_and_centres_are_those_of_the_cohort(bank):
    entries = bank["subjects"].values()
    assert [(entry["vendor"], entry["centre"]) for entry in entries] == [("A", "1"), ("A", "2"), ("", "3")]
    assert (list(bank["vendors"]), list(bank["centres"])) == (["A"], ["1", "2", "3"])


def test_held_out_subjects_stay_out(bank):
    assert list(bank["subjects"]) == ["S1", "S2", "S3"]
