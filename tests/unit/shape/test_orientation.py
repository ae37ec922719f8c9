from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from cmrtf.shape.orientation import CERTAIN_TAPER, apical_taper

ACDC = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "acdc"
"""Real patients beside the repository, where there are any."""


def tapering_heart(scale=1.0):
    """Label ids `(x, y, z)`, apex first: an LV in its wall that widens towards the base."""
    distance = np.hypot(*(np.indices((40, 40)) - 20))
    levels = np.linspace(0.3, 1.0, 6)
    slices = [np.select([distance < 8 * scale * k, distance < 14 * scale * k], [1, 2]) for k in levels]
    return np.stack(slices, axis=-1).astype(np.uint8)


def test_taper_is_positive_with_the_apex_first_and_negative_with_the_base_first():
    assert apical_taper([tapering_heart()]) > CERTAIN_TAPER
    assert apical_taper([tapering_heart()[:, :, ::-1]]) < -CERTAIN_TAPER


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


@pytest.mark.skipif(not ACDC.is_dir(), reason="no real ACDC patients beside the repository")
def test_real_acdc_patients_are_certain_and_base_first():
    patients = sorted(folder for folder in ACDC.rglob("patient*") if folder.is_dir())[::3]
    assert patients
    for patient in patients:
        phases = [np.asarray(nib.load(file).dataobj) for file in patient.glob("*_gt.nii*")]
        assert apical_taper(phases) < -CERTAIN_TAPER, patient.name
