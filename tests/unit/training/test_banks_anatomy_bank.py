from dataclasses import dataclass, replace

import numpy as np
import pytest
import tensorflow as tf

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.networks.gaussian import Gaussian
from cmrtf.shape.pose import landmarks
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.training.banks import write_anatomy_bank

PLACES_IN_IMAGE = np.indices((32, 32)) - 15.5


class PlaceEncoder:
    """Encodes a slice as the row and the column of its LV, from the middle, and the LV's pixels."""

    def encode(self, label_ids):
        lv = tf.cast(label_ids == 1, tf.float32)
        pixels = tf.reduce_sum(lv, axis=[1, 2])
        rows, columns = (tf.reduce_sum(lv * along, axis=[1, 2]) / pixels for along in PLACES_IN_IMAGE)
        mean = tf.stack([rows, columns, pixels], axis=-1)
        return Gaussian(mean, tf.zeros_like(mean))


@dataclass(frozen=True)
class ChangedCohort(PreparedCohort):
    """Label stacks as they are changed when they are read."""

    changes: dict

    def load(self, subject):
        change = self.changes.get(subject, lambda label_ids: label_ids)
        return {
            phase: replace(volume, label_ids=change(volume.label_ids))
            for phase, volume in super().load(subject).items()
        }


def without_rv(label_ids):
    return np.where(label_ids == 3, 0, label_ids).astype(np.uint8)


def one_slice(label_ids):
    return label_ids * (np.arange(len(label_ids)) == 1)[:, None, None].astype(np.uint8)


def turned_and_shifted(label_ids):
    return np.roll(np.rot90(label_ids, axes=(1, 2)), 2, 2)


@pytest.fixture(scope="module")
def open_cohort(write_cohort, tmp_path_factory):
    """S1 to S3 to train on, S4 to validate; changes by subject."""
    folder = write_cohort(tmp_path_factory.mktemp("bank") / "cohort", size=32)

    def open_cohort(**changes):
        return ChangedCohort(**vars(PreparedCohort.open(folder)), changes=changes)

    return open_cohort


def bank(cohort, folder):
    path = folder / "bank.npz"
    write_anatomy_bank(PlaceEncoder(), cohort, path)
    return AnatomyPrior.load(path)


def lv_pixels(cohort, subject):
    return {phase: (volume.label_ids == 1).sum(axis=(1, 2)) for phase, volume in cohort.load(subject).items()}


def test_hearts_of_training_subjects_are_encoded(open_cohort, tmp_path):
    cohort = open_cohort()
    prior = bank(cohort, tmp_path)
    assert prior.pathologies.tolist() == ["NOR"] * 3
    np.testing.assert_allclose(prior.slice_spacing_mm, 10.0)
    np.testing.assert_allclose(prior.ends_mm, [[[0.0, 20.0]] * 2] * 3, rtol=1e-6)
    for subject, codes, volumes_ml in zip(("S1", "S2", "S3"), prior.codes, prior.volumes_ml, strict=True):
        pixels = lv_pixels(cohort, subject)
        for phase, of_phase, lv_ml in zip(("ED", "ES"), codes, volumes_ml[[0, 3]], strict=True):
            # Apex and base; pixels of 1.5 mm in slices of 10 mm.
            np.testing.assert_allclose(of_phase[[0, -1], 2], pixels[phase][[0, -1]], atol=1.0)
            assert lv_ml == pytest.approx(0.0225 * pixels[phase].sum())


def test_hearts_are_encoded_as_they_usually_lie(open_cohort, tmp_path):
    cohort = open_cohort(S2=turned_and_shifted)
    prior = bank(cohort, tmp_path)
    places = [landmarks(cohort.load(subject)["ED"].label_ids)[0] for subject in ("S1", "S2", "S3")]
    assert np.ptp(places, axis=0)[1] == pytest.approx(2.0)
    np.testing.assert_allclose(prior.usual_landmarks[0], np.mean(places, axis=0), atol=1e-6)
    # Two lie to one side and one to another, a right angle away.
    assert prior.poses[1, 0] - prior.poses[0, 0] == pytest.approx(90.0, abs=1e-3)
    assert prior.poses[2, 0] == pytest.approx(prior.poses[0, 0], abs=1e-3)
    off = prior.codes[..., :2] - prior.usual_landmarks[0]
    assert np.abs(off).max() < 0.6


@pytest.mark.parametrize("change", [without_rv, one_slice, np.zeros_like])
def test_who_has_no_pose_or_no_stack_is_left_out(open_cohort, tmp_path, change):
    prior = bank(open_cohort(S2=change), tmp_path)
    assert prior.volumes_ml[:, 0].tolist() == bank(open_cohort(), tmp_path).volumes_ml[[0, 2], 0].tolist()


def test_who_has_one_phase_is_left_out(write_cohort, tmp_path):
    folder = write_cohort(tmp_path / "cohort", size=32, phases={"S2": ("ED",)})
    assert len(bank(PreparedCohort.open(folder), tmp_path).codes) == 2


def test_of_one_heart_nothing_is_written(open_cohort, tmp_path):
    path = tmp_path / "bank.npz"
    write_anatomy_bank(PlaceEncoder(), open_cohort(S1=without_rv, S3=one_slice), path)
    assert not path.exists()
