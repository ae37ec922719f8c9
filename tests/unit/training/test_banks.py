import json
from dataclasses import dataclass

import numpy as np
import pytest
import tensorflow as tf

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.networks.gaussian import Gaussian
from cmrtf.shape.pose import landmarks
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.appearance import Appearance
from cmrtf.training.banks import write_anatomy_bank, write_style_bank
from prepared_cohort import write_cohort

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

    def __getitem__(self, code):
        subject = super().__getitem__(code)
        change = self.changes.get(code, lambda label_ids: label_ids)
        return subject.with_stacks(
            {phase: stack.with_labels(change(stack.label_ids)) for phase, stack in subject.stacks.items()}
        )


def without_rv(label_ids):
    return np.where(label_ids == 3, 0, label_ids).astype(np.uint8)


def one_slice(label_ids):
    return label_ids * (np.arange(len(label_ids)) == 1)[:, None, None].astype(np.uint8)


def turned_and_shifted(label_ids):
    return np.roll(np.rot90(label_ids, axes=(1, 2)), 2, 2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A cohort of S1 to S3 to train on and S4 to validate."""
    return write_cohort(tmp_path_factory.mktemp("bank") / "cohort", size=32)


def changed(folder, **changes):
    """The cohort with changes of label ids by subject."""
    return ChangedCohort(**vars(PreparedCohort.open(folder)), changes=changes)


def anatomy_bank(cohort, tmp_path):
    path = tmp_path / "bank.npz"
    write_anatomy_bank(PlaceEncoder(), cohort, path)
    return AnatomyPrior.load(path)


def lv_pixels(subject):
    return {phase: (stack.label_ids == 1).sum(axis=(1, 2)) for phase, stack in subject.stacks.items()}


def test_anatomy_bank_holds_the_training_subjects(folder, tmp_path):
    cohort = changed(folder)
    prior = anatomy_bank(cohort, tmp_path)
    assert prior.pathologies.tolist() == ["NOR"] * 3
    np.testing.assert_allclose(prior.slice_spacing_mm, 10.0)
    np.testing.assert_allclose(prior.ends_mm, [[[0.0, 20.0]] * 2] * 3, rtol=1e-6)
    for code, codes, volumes_ml in zip(("S1", "S2", "S3"), prior.codes, prior.volumes_ml, strict=True):
        pixels = lv_pixels(cohort[code])
        for phase, of_phase, lv_ml in zip(("ED", "ES"), codes, volumes_ml[[0, 3]], strict=True):
            # Apex and base; pixels of 1.5 mm in slices of 10 mm.
            np.testing.assert_allclose(of_phase[[0, -1], 2], pixels[phase][[0, -1]], atol=1.0)
            assert lv_ml == pytest.approx(0.0225 * pixels[phase].sum())


def test_anatomy_bank_encodes_in_the_mean_pose(folder, tmp_path):
    cohort = changed(folder, S2=turned_and_shifted)
    prior = anatomy_bank(cohort, tmp_path)
    places = [landmarks(cohort[code].ed.label_ids)[0] for code in ("S1", "S2", "S3")]
    assert np.ptp(places, axis=0)[1] == pytest.approx(2.0)
    np.testing.assert_allclose(prior.usual_landmarks[0], np.mean(places, axis=0), atol=1e-6)
    # Two lie to one side and one to another, a right angle away.
    assert prior.poses[1, 0] - prior.poses[0, 0] == pytest.approx(90.0, abs=1e-3)
    assert prior.poses[2, 0] == pytest.approx(prior.poses[0, 0], abs=1e-3)
    off = prior.codes[..., :2] - prior.usual_landmarks[0]
    assert np.abs(off).max() < 0.6


@pytest.mark.parametrize("change", [without_rv, one_slice, np.zeros_like])
def test_anatomy_bank_leaves_out_who_has_no_pose_or_no_stack(folder, tmp_path, change):
    prior = anatomy_bank(changed(folder, S2=change), tmp_path)
    everyone = anatomy_bank(changed(folder), tmp_path)
    assert prior.volumes_ml[:, 0].tolist() == everyone.volumes_ml[[0, 2], 0].tolist()


def test_anatomy_bank_leaves_out_who_has_one_phase(tmp_path):
    folder = write_cohort(tmp_path / "cohort", size=32, phases={"S2": ("ED",)})
    assert len(anatomy_bank(PreparedCohort.open(folder), tmp_path).codes) == 2


def test_anatomy_bank_is_not_written_for_one_subject(folder, tmp_path):
    path = tmp_path / "bank.npz"
    write_anatomy_bank(PlaceEncoder(), changed(folder, S1=without_rv, S3=one_slice), path)
    assert not path.exists()


class BrightnessEncoder:
    """Encodes an image as its mean and its mean square."""

    def encode_style(self, image):
        mean = tf.stack([tf.reduce_mean(image**power, axis=[1, 2, 3]) for power in (1, 2)], -1)
        return Gaussian(mean, tf.zeros_like(mean))


@pytest.fixture(scope="module")
def styled_cohort(tmp_path_factory):
    """S1 to S3 of vendors A, A and unknown to train on, S4 of B to validate; S2 has no ES."""
    folder = tmp_path_factory.mktemp("bank") / "cohort"
    return PreparedCohort.open(write_cohort(folder, vendors=("A", "A", "", "B"), phases={"S2": ("ED",)}))


@pytest.fixture(scope="module")
def style_bank(styled_cohort, tmp_path_factory):
    path = tmp_path_factory.mktemp("bank") / "style_bank.json"
    write_style_bank(BrightnessEncoder(), styled_cohort, path)
    return json.loads(path.read_text())


def _style(cohort, subject):
    """At the places along the heart, the mean of phases."""
    stacks = cohort[subject].stacks
    codes = {
        phase: np.stack([stack.image.mean(axis=(1, 2)), (stack.image**2).mean(axis=(1, 2))], axis=1)
        for phase, stack in stacks.items()
    }
    return Appearance.of(codes, {phase: stack.label_ids for phase, stack in stacks.items()}, (0.0, 1.0)).style


def test_style_bank_holds_the_mean_over_a_subjects_phases_along_the_heart(styled_cohort, style_bank):
    for subject in ("S1", "S2", "S3"):
        entry, number = style_bank["subjects"][subject], int(subject[1])
        np.testing.assert_allclose(entry["style"], _style(styled_cohort, subject), rtol=1e-5)
        assert entry["intensity_window"] == [10.0 * number, 100.0 * number]


def test_style_bank_has_the_vendors_and_centres_of_the_cohort(style_bank):
    entries = style_bank["subjects"].values()
    assert [(entry["vendor"], entry["centre"]) for entry in entries] == [("A", "1"), ("A", "2"), ("", "3")]
    assert (list(style_bank["vendors"]), list(style_bank["centres"])) == (["A"], ["1", "2", "3"])


def test_style_bank_leaves_out_held_out_subjects(style_bank):
    assert list(style_bank["subjects"]) == ["S1", "S2", "S3"]


def test_anatomy_bank_leaves_out_who_has_unknown_structures(tmp_path):
    folder = write_cohort(tmp_path / "cohort", size=32, unknown={"S2": {"ES": {"MYO": [0]}}})
    assert len(anatomy_bank(PreparedCohort.open(folder), tmp_path).codes) == 2
