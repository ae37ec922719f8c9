import gzip

import nibabel as nib
import numpy as np
import pytest

from cmrtf.core.nifti import read_nifti
from cmrtf.quality.header_checks import header_issues, time_issues
from raw_data import heart, image_of, save
from raw_patient import AFFINE, IMAGE, LABEL


def rotated_affine(degrees, spacing_mm):
    """Voxels turned about the third axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]) @ np.diag([*spacing_mm, 1.0])


def with_forms(path, sform, qform, spacing_mm):
    """Give a file a sform, a qform and a pixdim."""
    image = nib.load(path)
    image.set_qform(qform, 1)
    image.set_sform(sform, 1)
    image.header["pixdim"][1:4] = spacing_mm
    nib.save(image, path)


@pytest.mark.parametrize(("axis", "name"), [(0, "first"), (1, "second")])
def test_slices_along_another_axis(patient, axis, name):
    patient.change_all(
        lambda data: np.swapaxes(data, axis, 2), affine=np.diag([*np.roll([3, 3, 10], axis + 1), 1])
    )
    problem = patient.errors()[IMAGE]
    assert problem.startswith("expected slices along the third axis, (x, y, slices). Received: shape")
    assert f"as if they lay along the {name}" in problem


def test_slices_along_another_axis_whose_spacing_is_lost(patient):
    patient.change_all(lambda data: np.swapaxes(data, 1, 2), affine=np.eye(4))
    assert (
        "shape (40, 6, 44), spacing 1 x 1 x 1 mm, as if they lay along the second" in patient.errors()[IMAGE]
    )


def test_time_before_slices(tmp_path):
    ed, es = heart(), heart(scale=0.8)
    cine = np.stack([image_of(ed), image_of(ed), image_of(es), image_of(es)], axis=-1)
    path = tmp_path / "cine.nii.gz"
    save(path, cine)
    assert time_issues(path, read_nifti(path)) == []
    save(path, np.swapaxes(cine, 2, 3))
    (issue,) = time_issues(path, read_nifti(path))
    assert issue.level == "error"
    assert "Received: shape (40, 44, 4, 6), spacing 3 x 3 x 10 mm" in issue.problem
    assert "as if time came before the slices" in issue.problem


def test_a_spacing_that_the_header_says_twice(patient):
    with_forms(patient.folder / LABEL, AFFINE * [1.2, 1.2, 1, 1], AFFINE, (3.0, 3.0, 10.0))
    problem = (
        "expected one spacing in the header. Received: 3.6 x 3.6 x 10 mm of the sform, 3 x 3 x 10 mm of "
    )
    assert patient.errors() == {LABEL: problem + "pixdim and the qform. Correct the one that is wrong."}


def test_a_place_that_the_header_says_twice(patient):
    for path in patient.folder.glob("*.nii.gz"):
        with_forms(path, rotated_affine(10, (3.0, 3.0, 10.0)), AFFINE, (3.0, 3.0, 10.0))
    (problem,) = patient.warnings()
    assert problem.startswith("expected one place in the header. Received: a sform and a qform 31.1 mm apart")


def test_one_place_said_twice_with_rounding_is_fine(patient):
    for path in patient.folder.glob("*.nii.gz"):
        with_forms(path, AFFINE + 1e-3 * np.eye(4, k=1), AFFINE, (3.0, 3.0, 10.0))
    assert patient.warnings() == []


def test_header_checks_need_no_subject(tmp_path):
    save(tmp_path / "a.nii.gz", heart())
    assert header_issues(tmp_path / "a.nii.gz", read_nifti(tmp_path / "a.nii.gz")) == []


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


@pytest.mark.parametrize("position", [1e30, np.nan, -np.inf])
def test_a_place_where_no_scanner_is(patient, position):
    affine = AFFINE.copy()
    affine[0, 3] = position
    for name in (IMAGE, LABEL):
        _write_sform(patient.folder / name, affine)
    assert "expected a first voxel within 10000 mm of the scanner's centre" in patient.errors()[IMAGE]
