import shutil

import numpy as np
import pytest
from scipy import ndimage

from raw_patient import AFFINE, CODE, IMAGE, LABEL

ED_IMAGE, ED_LABEL = f"{CODE}_frame01.nii.gz", f"{CODE}_frame01_gt.nii.gz"


def swap(patient):
    (patient.folder / "Info.cfg").write_text("ED: 3\nES: 1\nGroup: DCM\n")


def test_swapped_phases_are_exchanged(patient):
    original = patient.check()
    swap(patient)
    (problem,) = patient.warnings()
    assert "expected an LV that is larger at ED than at ES" in problem
    repaired = patient.check()
    assert {phase: files.frame for phase, files in repaired.raw.phases.items()} == {"ED": 0, "ES": 2}
    assert list(repaired.stacks) == ["ED", "ES"]
    np.testing.assert_array_equal(repaired.stacks["ED"].image, original.stacks["ED"].image)


@pytest.mark.parametrize("missing", [slice(0, 6), slice(0, 4)])
def test_an_lv_that_is_missing_at_ed_is_an_error_and_no_reason_to_exchange(patient, missing):
    """All of it, or in the four slices that are larger."""

    def without(label):
        label = label.copy()
        label[..., missing][label[..., missing] == 3] = 0
        return label

    patient.change(ED_LABEL, without)
    (problem,) = patient.errors().values()
    assert ("expected a label of LV at ED" in problem) or ("as if LV labels were missing at ED" in problem)
    assert patient.check().raw.phases["ED"].frame == 0


@pytest.mark.parametrize("store", [lambda data: data, lambda data: np.float32(data / 7 + 3)])
def test_one_picture_for_both_phases(patient, store):
    """As it is, or in another scale."""
    shutil.copy(patient.folder / ED_IMAGE, patient.folder / IMAGE)
    patient.change(IMAGE, store)
    problem = "expected another image at ES than at ED. Received: one picture for both."
    assert patient.errors() == {IMAGE: problem}


def test_one_label_for_both_phases(patient):
    shutil.copy(patient.folder / ED_LABEL, patient.folder / LABEL)
    assert patient.errors() == {LABEL: "expected another label at ES than at ED. Received: the same voxels."}


@pytest.mark.parametrize(("factor", "is_named"), [(0.5, True), (1.0, False)])
def test_an_lv_of_a_size_that_no_adult_has_is_named(patient, factor, is_named):
    """As where voxels are counted in another unit."""
    patient.change_all(affine=AFFINE @ np.diag([factor, factor, 1.0, 1.0]))
    said = "look whether the voxel size is right" in " ".join(patient.warnings())
    assert said == is_named


def test_an_rv_on_the_other_side_at_es_is_an_error(patient):
    """As where one phase is mirrored, image and label alike."""
    for name in (IMAGE, LABEL):
        patient.change(name, lambda data: data[::-1])
    problem = "expected the RV on one side of the LV at ED and ES. Received: 180 degrees apart"
    assert problem in patient.errors()[LABEL]


@pytest.mark.parametrize(
    ("move", "received"),
    [
        (lambda data: np.roll(data, 10, axis=1), "0 degrees further round the LV, and an LV 30 mm away"),
        (lambda data: np.roll(data, 6, axis=1), None),
        (
            lambda data: ndimage.rotate(data, 60, reshape=False, order=0),
            "degrees further round the LV, and an LV",
        ),
        (lambda data: ndimage.rotate(data, 30, reshape=False, order=0), None),
    ],
    ids=["far", "near", "turned", "hardly turned"],
)
def test_a_heart_that_lies_elsewhere_at_es_is_named(patient, move, received):
    for name in (IMAGE, LABEL):
        patient.change(name, move)
    found = [each for each in patient.warnings() if "expected one heart in one place" in each]
    assert [received in each for each in found] == ([True] if received else [])
