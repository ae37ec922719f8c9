import gzip

import nibabel as nib
import numpy as np
import pytest

from raw_patient import AFFINE, IMAGE, LABEL


def test_a_file_that_is_cut_short(patient):
    path = patient.folder / IMAGE
    path.write_bytes(path.read_bytes()[:-3000])
    assert "expected a readable NIfTI" in patient.errors()[IMAGE]


def test_one_slice(patient):
    for name in (IMAGE, LABEL):
        patient.change(name, lambda data: data[:, :, 3:4])
    problem = "expected a stack of at least 2 slices from apex to base. Received: 1"
    assert patient.errors()[IMAGE] == problem


@pytest.mark.parametrize("slices", [2, 3])
def test_few_slices(patient, slices):
    patient.change_all(lambda data: data[:, :, :slices])
    problem = f"expected a stack of at least 4 slices from apex to base. Received: {slices}"
    assert problem in patient.warnings()


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


@pytest.mark.parametrize(
    "diagonal", [(0.003, 0.003, 0.01), (30, 30, 10), (3, 3, 0), (3, 3, 100), (3, np.nan, 10)]
)
def test_absurd_spacing(patient, diagonal):
    for name in (IMAGE, LABEL):
        _write_sform(patient.folder / name, np.diag([*diagonal, 1.0]))
    problem = patient.errors()[IMAGE]
    assert problem.startswith("expected pixels of 0.2 to 5 mm, slices 0.5 to 30 mm apart")
    assert problem.endswith("These look like metres.") == (diagonal == (0.003, 0.003, 0.01))


def test_a_spacing_of_zero_is_not_repaired(patient):
    """nibabel would make 1 mm of it, where the affine comes from the spacing."""
    for name in (IMAGE, LABEL):
        content = bytearray(gzip.decompress((patient.folder / name).read_bytes()))
        content[252:256] = bytes(4)  # qform_code and sform_code
        content[80:92] = np.array([1.5, 0, 10], "<f4").tobytes()  # pixdim[1:4]
        (patient.folder / name).write_bytes(gzip.compress(bytes(content)))
    assert "Received: 1.5 x 0 x 10 mm" in patient.errors()[IMAGE]


def _write_sform(path, affine):
    """Put any affine into a header; nibabel itself would refuse some."""
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[280 : 280 + 48] = affine[:3].astype("<f4").tobytes()  # srow_x, srow_y, srow_z of NIfTI-1
    path.write_bytes(gzip.compress(bytes(content)))


def test_axes_that_coincide(patient):
    flat = np.array([[3.0, 3.0, 0, 0], [0, 0.1, 0, 0], [0, 0, 10, 0], [0, 0, 0, 1]])
    for name in (IMAGE, LABEL):
        patient.change(name, affine=flat)
    assert "three distinct axes" in patient.errors()[IMAGE]


def test_axes_that_are_not_at_right_angles(patient):
    skewed = AFFINE.copy()
    skewed[0, 1] = 0.1
    patient.change_all(affine=skewed)
    assert patient.warnings() == [
        "expected axes at right angles. Received: 1.91 degrees off; kept as they are"
    ]


def test_left_handed_axes(patient):
    patient.change_all(affine=AFFINE * [-1, 1, 1, 1])
    assert patient.warnings() == ["expected right-handed axes. Received: left-handed ones; kept as they are"]


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
