import json

import numpy as np
import pytest

from cmrtf.adaptation.data_set import write_adapted_set
from cmrtf.core.nifti import read_nifti
from cmrtf.datasets.layouts import read_raw
from evaluation_doubles import real_subjects, with_images

PATIENTS = real_subjects()[0][:3]
COPIES = {
    patient.name: [with_images(patient, lambda image, k=k: image * (0.5 + 0.1 * k)) for k in range(2)]
    for patient in PATIENTS
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    out = tmp_path_factory.mktemp("adapted") / "Dataset501_Adapted"
    write_adapted_set(out, PATIENTS, COPIES)
    return out


def test_it_is_a_data_set_of_nnunet_with_patients_and_copies(root):
    assert {subject.subject for subject in read_raw(root).subjects} == {
        f"S{number}{copy}" for number in (1, 2, 3) for copy in ("", "_as_1", "_as_2")
    }
    assert json.loads((root / "dataset.json").read_text())["numTraining"] == 18


def test_a_copy_has_the_labels_of_its_patient_and_other_pixels(root):
    for folder, same in (("labelsTr", True), ("imagesTr", False)):
        suffix = "" if same else "_0000"
        first, copy = (
            read_nifti(root / folder / f"{code}_ED{suffix}.nii.gz").data for code in ("S1", "S1_as_1")
        )
        assert np.array_equal(first, copy) == same


def test_no_fold_trains_on_copies_of_whom_it_validates_on(root):
    folds = json.loads((root / "splits_final.json").read_text())
    assert sorted(case for fold in folds for case in fold["val"]) == [
        f"S{number}_{phase}" for number in (1, 2, 3) for phase in ("ED", "ES")
    ]
    for fold in folds:
        validated = {case[:2] for case in fold["val"]}
        assert {case[:2] for case in fold["train"]} == {"S1", "S2", "S3"} - validated
        assert len(fold["train"]) == 12


def test_a_single_patient_makes_no_folds(tmp_path):
    out = tmp_path / "Dataset502_One"
    write_adapted_set(out, PATIENTS[:1], COPIES)
    assert json.loads((out / "splits_final.json").read_text()) == []
