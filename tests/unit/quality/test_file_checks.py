import gzip

import nibabel as nib
import numpy as np
import pytest

from raw_patient import AFFINE, IMAGE, LABEL


def test_a_file_that_is_cut_short(patient):
    path = patient.folder / IMAGE
    path.write_bytes(path.read_bytes()[:-3000])
    assert "expected a readable NIfTI" in patient.errors()[IMAGE]


def test_label_of_another_shape(patient):
    patient.change(LABEL, lambda data: data[:, :-1])
    problem = f"expected the shape (40, 44, 6) of {IMAGE}. Received: (40, 43, 6)."
    assert patient.errors() == {LABEL: problem}


def test_label_in_another_place(patient):
    moved = AFFINE.copy()
    moved[0, 3] = 20.0
    patient.change(LABEL, affine=moved)
    problem = patient.errors()[LABEL]
    assert problem.startswith("expected the affine")
    assert "20.0 mm away" in problem


def test_a_rounding_error_in_the_affine_is_fine(patient):
    patient.change(LABEL, affine=AFFINE + 1e-4)
    assert patient.warnings() == []


def test_phases_on_different_grids(patient):
    for name in (IMAGE, LABEL):
        patient.change(name, lambda data: data[:, :, 1:])
    assert "expected the shape (40, 44, 6) of patient007_frame01.nii.gz" in patient.errors()[IMAGE]


@pytest.mark.parametrize(("code", "unit"), [("meter", "metre"), ("micron", "micrometre")])
def test_another_unit_in_the_header(patient, code, unit):
    image = nib.load(patient.folder / IMAGE)
    image.header.set_xyzt_units(code)
    image = nib.Nifti1Image(np.asanyarray(image.dataobj), image.affine, image.header)
    nib.save(image, patient.folder / IMAGE)
    (problem,) = patient.warnings()
    assert f"expected millimetres. Received: {unit} as the unit" in problem


def test_a_wrong_extension(patient):
    path = patient.folder / IMAGE
    path.write_bytes(gzip.decompress(path.read_bytes()))
    problem = "expected the extension .nii, as the content is. Received: .nii.gz; read as what it is"
    assert patient.warnings() == [problem]
    path.write_bytes(gzip.compress(path.read_bytes()))
    path.rename(path.with_suffix(""))
    problem = "expected the extension .nii.gz, as the content is. Received: .nii; read as what it is"
    assert patient.warnings() == [problem]


def test_a_frame_file_with_several_frames(patient):
    for name in (IMAGE, LABEL):
        patient.change(name, lambda data: np.stack([data, data], axis=-1))
    problem = "expected a single frame (x, y, z). Received: shape=(40, 44, 6, 2)."
    assert patient.errors() == {IMAGE: problem, LABEL: problem}
