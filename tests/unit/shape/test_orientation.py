from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from cmrtf.shape.orientation import CERTAIN, OrderEvidence, apical_taper

AXIAL = np.diag([1.5, 1.5, 8.0, 1.0])

ACDC = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "acdc"
"""Real patients beside the repository, where there are any."""


def tapering_heart(scale=1.0):
    """Label ids `(x, y, z)`, apex first: an LV in its wall that widens towards the base."""
    distance = np.hypot(*(np.indices((40, 40)) - 20))
    levels = np.linspace(0.3, 1.0, 6)
    slices = [np.select([distance < 8 * scale * k, distance < 14 * scale * k], [1, 2]) for k in levels]
    return np.stack(slices, axis=-1).astype(np.uint8)


def test_taper_is_positive_with_the_apex_first_and_negative_with_the_base_first():
    assert apical_taper([tapering_heart()]) > 0.2
    assert apical_taper([tapering_heart()[:, :, ::-1]]) < -0.2


def test_empty_slices_at_the_ends_do_not_change_the_taper():
    padded = np.pad(tapering_heart(), ((0, 0), (0, 0), (5, 1)))
    assert apical_taper([padded]) == pytest.approx(apical_taper([tapering_heart()]))


def test_reversal_of_all_phases_changes_the_sign_of_the_taper_only():
    phases = [tapering_heart(), tapering_heart(scale=0.7)]
    assert apical_taper([label_ids[:, :, ::-1] for label_ids in phases]) == pytest.approx(
        -apical_taper(phases)
    )


def test_a_tube_has_no_taper():
    tube = np.zeros((8, 8, 5), np.uint8)
    tube[2:6, 2:6] = 1
    assert apical_taper([tube]) == 0


def test_taper_of_a_cone_and_of_a_half_ellipsoid_is_that_of_theory():
    # Thin slices through both, of length 1: centroids at 3/4 and 5/8 from the apex.
    z = (np.arange(200) + 0.5) / 200
    for area, expected in ((z**2, 0.5), (1 - (1 - z) ** 2, 0.25)):
        rows = np.arange(4000)[:, None, None] < area * 4000
        assert apical_taper([rows.astype(np.uint8)]) == pytest.approx(expected, abs=0.01)


def test_a_structure_that_is_left_out_of_basal_slices_still_tapers():
    heart = np.zeros((1, 40, 8), np.uint8)
    for z, width in enumerate([4, 8, 12, 16, 0, 0, 0, 0]):
        heart[0, :width, z] = 3
    heart[0, 20:30, :] = 1
    assert apical_taper([heart]) > 0.1


def evidence(label_ids, affine=AXIAL):
    return OrderEvidence.of([label_ids], affine)


def tube(before=0, after=0):
    """A heart without taper, with unlabelled slices at its ends."""
    return np.pad(np.ones((4, 4, 6), np.uint8), ((0, 0), (0, 0), (before, after)))


def oblique(cosines):
    """An affine whose third axis points along a direction of the scanner, LPS as DICOM has it."""
    affine = np.eye(4)
    affine[:3, 2] = 8.0 * np.array(cosines) * [-1, -1, 1]
    return affine


def test_a_taper_is_certain_in_either_direction():
    assert evidence(tapering_heart()).is_certain
    assert not evidence(tapering_heart()).is_base_first((0, 100))
    assert evidence(tapering_heart()[:, :, ::-1]).is_base_first((100, 0))


# Base to apex in five stacks of Sunnybrook.
@pytest.mark.parametrize(
    "base_to_apex",
    [
        (0.67, -0.67, -0.32),
        (0.62, -0.67, -0.41),
        (0.63, -0.66, -0.41),
        (0.72, -0.66, -0.22),
        (0.47, -0.71, -0.52),
    ],
)
def test_an_oblique_affine_knows_where_the_apex_is(base_to_apex):
    base_first = evidence(tube(), oblique(base_to_apex))
    assert base_first.is_certain
    assert base_first.is_base_first((100, 0))
    apex_first = evidence(tube(), oblique(np.negative(base_to_apex)))
    assert apex_first.is_certain
    assert not apex_first.is_base_first((0, 100))
    exchanged = np.multiply(base_to_apex, [-1, -1, 1])  # right for left, back for front
    assert evidence(tube(), oblique(exchanged)).affine_log_odds == 0.0


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("sign", [-1, 1])
def test_an_affine_along_the_axes_says_nothing(axis, sign):
    assert evidence(tube(), oblique(sign * np.eye(3)[axis])).log_odds == 0.0


def test_labels_of_a_plain_heart_count_more_than_an_affine():
    opposed = evidence(tapering_heart(), oblique((0.62, -0.67, -0.41)))
    assert opposed.is_certain
    assert opposed.log_odds > CERTAIN > -opposed.affine_log_odds - CERTAIN
    assert not opposed.is_base_first()


def test_unlabelled_slices_are_above_the_base():
    assert not evidence(tube(after=3)).is_base_first()
    assert evidence(tube(before=3)).is_base_first()
    assert evidence(tube(before=3, after=2)).log_odds == 0.0


def test_in_doubt_the_other_stacks_of_the_data_set_decide():
    assert not evidence(tube()).is_certain
    assert evidence(tube()).is_base_first((2, 9))
    assert not evidence(tube()).is_base_first((9, 2))


@pytest.mark.skipif(not ACDC.is_dir(), reason="no real ACDC patients beside the repository")
def test_real_acdc_patients_are_certain_and_base_first():
    patients = sorted(folder for folder in ACDC.rglob("patient*") if folder.is_dir())[::3]
    assert patients
    for patient in patients:
        phases = [np.asarray(nib.load(file).dataobj) for file in patient.glob("*_gt.nii*")]
        evidence_of_labels = OrderEvidence.of(phases, np.eye(4))
        assert evidence_of_labels.log_odds < -2 * CERTAIN, patient.name
