from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from cmrtf.data.cohort import PreparedCohort
from cmrtf.networks.gaussian import Gaussian
from cmrtf.synthesis.anatomy import PLACES
from cmrtf.synthesis.anatomy_prior import AnatomyPrior, measure_volumes_ml
from cmrtf.synthesis.pose import landmarks, mean_landmarks
from cmrtf.training.anatomy_bank import write_anatomy_bank

SIZE = 48
SPACING_MM = 10.0
"""Of the slices of `write_cohort`."""


class CentreEncoder:
    """Encodes labels as the centre of the RV, row and column from the middle, which is that of the LV."""

    def encode(self, label_ids):
        right = tf.cast(label_ids == 3, tf.float32)
        places = tf.range(SIZE, dtype=tf.float32) - (SIZE - 1) / 2
        area = tf.reduce_sum(right, axis=[1, 2])
        row = tf.reduce_sum(right * places[:, None], axis=[1, 2]) / area
        column = tf.reduce_sum(right * places, axis=[1, 2]) / area
        mean = tf.stack([row, column], axis=-1)
        return Gaussian(mean, tf.ones_like(mean))


def turned(label_ids):
    return np.rot90(label_ids, axes=(1, 2))


def without_rv(label_ids):
    return label_ids * (label_ids < 3)


def in_one_slice(label_ids):
    return label_ids * (np.arange(len(label_ids)) == 1)[:, None, None].astype(np.uint8)


class ChangedCohort(PreparedCohort):
    """S3 turned by 90 degrees, S4 without an RV, S5 labelled in one slice of each phase."""

    def load(self, subject):
        change = {"S3": turned, "S4": without_rv, "S5": in_one_slice}.get(subject, np.array)
        volumes = super().load(subject)
        return {phase: replace(each, label_ids=change(each.label_ids)) for phase, each in volumes.items()}


@pytest.fixture
def open_cohort(write_cohort, tmp_path):
    """Of so many subjects to train on and one to validate; S2 has no ES."""

    def open_new(training):
        vendors = "A" * (training + 1)
        folder = tmp_path / "cohort"
        write_cohort(folder, SIZE, num_slices=4, vendors=vendors, phases={"S2": ("ED",)})
        return ChangedCohort.open(folder)

    return open_new


def test_hearts_with_both_phases_and_both_ventricles_are_kept(open_cohort, tmp_path):
    cohort = open_cohort(training=6)
    write_anatomy_bank(CentreEncoder(), cohort, tmp_path / "bank.npz")
    bank = AnatomyPrior.load(tmp_path / "bank.npz")
    stacks = [
        {phase: volume.label_ids for phase, volume in cohort.load(subject).items()}
        for subject in ("S1", "S3", "S6")
    ]
    measured_ml = [measure_volumes_ml(each, SPACING_MM) for each in stacks]
    np.testing.assert_allclose(bank.volumes_ml, measured_ml, rtol=1e-6)
    np.testing.assert_allclose(bank.usual_landmarks, mean_landmarks([landmarks(s["ED"]) for s in stacks]))
    np.testing.assert_allclose(bank.ends_mm, [[[0.0, 30.0], [0.0, 30.0]]] * 3, atol=1e-4)
    np.testing.assert_allclose(bank.slice_spacing_mm, SPACING_MM)
    assert bank.pathologies.tolist() == ["NOR"] * 3


def test_hearts_are_encoded_in_their_usual_pose(open_cohort, tmp_path):
    """Two lie alike and one is turned: afterwards all RVs lie on the same side."""
    write_anatomy_bank(CentreEncoder(), open_cohort(training=6), tmp_path / "bank.npz")
    bank = AnatomyPrior.load(tmp_path / "bank.npz")
    assert bank.codes.shape == (3, 2, PLACES, 2)
    lv, rv = bank.usual_landmarks
    directions = bank.codes / np.linalg.norm(bank.codes, axis=-1, keepdims=True)
    np.testing.assert_allclose(directions @ (rv - lv) / np.linalg.norm(rv - lv), 1.0, atol=0.01)
    turns = bank.poses[:, 0]
    np.testing.assert_allclose([turns[1] - turns[0], turns[2] - turns[0]], [90.0, 0.0], atol=1e-3)


def test_one_heart_alone_is_not_written(open_cohort, tmp_path):
    write_anatomy_bank(CentreEncoder(), open_cohort(training=2), tmp_path / "bank.npz")
    assert not (tmp_path / "bank.npz").exists()
