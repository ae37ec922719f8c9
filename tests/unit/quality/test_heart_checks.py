import numpy as np
import pytest

from cmrtf.datasets.layouts import read_raw
from cmrtf.quality.checks import check_subject
from raw_data import heart, image_of, save, write_acdc
from raw_patient import CODE, IMAGE, LABEL, TURNED_ROUND


def test_a_good_patient_is_only_turned_round(patient):
    assert patient.check().warnings == (TURNED_ROUND,)
    write_acdc(patient.folder.parent, CODE, apex_first=True)
    assert patient.check().warnings == ()


@pytest.mark.parametrize(
    ("order", "received"),
    [((0, 3, 2, 1), "Received: 1 within 2"), ((0, 2, 1, 3), "Received: 3 within 1")],
)
def test_labels_in_the_order_of_another_data_set(patient, order, received):
    patient.change(LABEL, lambda data: np.array(order, np.uint8)[data])
    assert f"expected LV (3) within myocardium (2). {received}" in patient.errors()[LABEL]


def _resize(patient, shape, scale, spacing_mm):
    """Both phases with a heart of another size or spacing."""
    affine = np.diag([*spacing_mm, 1.0])
    for frame, phase_scale in ((1, scale), (3, 0.8 * scale)):
        label_ids = heart(shape, apex_first=False, scale=phase_scale)
        stem = f"{CODE}_frame{frame:02d}"
        save(patient.folder / f"{stem}.nii.gz", image_of(label_ids), affine)
        save(patient.folder / f"{stem}_gt.nii.gz", np.array([0, 3, 2, 1], np.uint8)[label_ids], affine)


def test_a_heart_larger_than_the_crop(patient):
    _resize(patient, (90, 90, 6), 3.6, (3.0, 3.0, 10.0))
    (problem,) = patient.warnings()
    assert "more than the 192 mm that are kept: it is cut" in problem


@pytest.mark.parametrize("spacing_mm", [(3.0, 3.0, 1.0), (0.3, 0.3, 10.0)])
def test_a_heart_of_impossible_size(patient, spacing_mm):
    _resize(patient, (40, 44, 6), 1.0, spacing_mm)
    assert "look whether the voxel spacing in the file is right" in " ".join(patient.warnings())


def test_a_heart_without_taper(patient):
    patient.change_all(lambda data: np.repeat(data[:, :, 2:3], 6, axis=2))
    problem = next(problem for problem in patient.warnings() if "look alike" in problem)
    assert problem.startswith(
        "apex and base look alike (taper +0.000); the file was taken to be apex-first; look"
    )


def test_warnings_of_all_real_patients_are_about_their_order(real_acdc):
    for raw in read_raw(real_acdc).subjects[::5]:
        assert check_subject(raw).warnings == (TURNED_ROUND,)


@pytest.mark.parametrize("name", [IMAGE, LABEL])
def test_labels_that_do_not_lie_on_the_heart_and_inverted_images(patient, name):
    def spoil(data):
        return data.max() - data if name == IMAGE else np.roll(data, 14, axis=1)

    patient.change(name, spoil)
    assert any("expected RV brighter than the myocardium at ES" in problem for problem in patient.warnings())


@pytest.mark.parametrize(("order", "is_named"), [((0, 3, 2, 1), True), ((0, 1, 2, 3), False)])
def test_structures_that_are_exchanged_in_one_slice(patient, order, is_named):
    def exchange(label):
        return np.where(np.arange(6) == 2, np.array(order, np.uint8)[label], label)

    patient.change(LABEL, exchange)
    problem = (
        "expected LV within myocardium in all slices at ES. Received: an LV that has less than half of it"
    )
    found = [each for each in patient.warnings() if each.startswith(problem)]
    assert ["around in slice 2 (counted from 0)" in each for each in found] == [True] * is_named
