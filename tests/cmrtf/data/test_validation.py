"""Each kind of bad file, as it comes out of `RawSubject.load`."""

import gzip

import nibabel as nib
import numpy as np
import pytest

from cmrtf.data.readers import read_raw
from cmrtf.data.validation import raise_problems
from cmrtf.errors import CmrtfError

IMAGE, LABEL = "patient007_frame03.nii.gz", "patient007_frame03_gt.nii.gz"
AFFINE = np.diag([3.0, 3.0, 10.0, 1.0])


@pytest.fixture
def patient(tmp_path, write_acdc):
    return write_acdc(tmp_path, "patient007")


@pytest.fixture
def change(patient):
    """Replace the voxels or the affine of one file."""

    def apply(name, voxels=lambda data: data, affine=AFFINE):
        data = np.asanyarray(nib.load(patient / name).dataobj)
        nib.save(nib.Nifti1Image(voxels(data), affine), patient / name)

    return apply


def _message(patient):
    (subject,) = read_raw(patient.parent).subjects
    with pytest.raises(CmrtfError) as caught:
        subject.load()
    return str(caught.value)


def _with(data, value, dtype=np.float32):
    changed = data.astype(dtype)
    changed[20, 20, 2] = value
    return changed


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite(patient, change, value):
    change(IMAGE, lambda data: _with(data, value))
    assert f"{IMAGE}: expected finite values. Received: 1 voxels" in _message(patient)


def test_an_image_without_contrast(patient, change):
    change(IMAGE, np.zeros_like)
    assert f"{IMAGE}: expected an image. Received: the value 0 everywhere" in _message(patient)


def test_one_slice(patient, change):
    for name in (IMAGE, LABEL):
        change(name, lambda data: data[:, :, 3:4])
    assert f"{IMAGE}: expected a stack of at least 2 slices. Received: shape=(40, 44, 1)" in _message(patient)


def test_an_empty_mask(patient, change):
    change(LABEL, np.zeros_like)
    assert f"{LABEL}: expected a heart labelled in at least 2 slices" in _message(patient)
    assert "Received: an empty mask" in _message(patient)


def test_labels_in_one_slice_only(patient, change):
    change(LABEL, lambda data: data * (np.arange(6) == 2).astype(np.uint8))
    assert "Received: labels in one slice only" in _message(patient)


@pytest.mark.parametrize(("value", "shown"), [(4, "4"), (1.5, "1.5"), (-1, "-1"), (np.nan, "nan")])
def test_wrong_label_values_are_told_in_the_order_of_the_file(patient, change, value, shown):
    change(LABEL, lambda data: _with(data, value))
    message = _message(patient)
    assert f"{LABEL}: label values must be within {{0 background, 1 RV, 2 MYO, 3 LV}}" in message
    assert f"Received: {shown}." in message


def test_whole_numbers_stored_as_floats_are_fine(patient, change):
    change(LABEL, lambda data: data.astype(np.float32))
    read_raw(patient.parent).subjects[0].load()


def test_label_of_another_shape(patient, change):
    change(LABEL, lambda data: data[:, :-1])
    assert f"{LABEL}: expected the shape (40, 44, 6) of {IMAGE}. Received: (40, 43, 6)" in _message(patient)


def test_label_in_another_place(patient, change):
    moved = AFFINE.copy()
    moved[0, 3] = 20.0
    change(LABEL, affine=moved)
    message = _message(patient)
    assert f"{LABEL}: expected the affine" in message
    assert "20.0 mm away" in message


def test_a_rounding_error_in_the_affine_is_fine(patient, change):
    change(LABEL, affine=AFFINE + 1e-4)
    read_raw(patient.parent).subjects[0].load()


def test_phases_on_different_grids(patient, change):
    for name in (IMAGE, LABEL):
        change(name, lambda data: data[:, :, 1:])
    assert f"{IMAGE}: expected the shape (40, 44, 6) of patient007_frame01.nii.gz" in _message(patient)


@pytest.mark.parametrize(
    "diagonal", [(0.003, 0.003, 0.01), (30, 30, 10), (3, 3, 0), (3, 3, 100), (3, np.nan, 10)]
)
def test_absurd_spacing(patient, diagonal):
    for name in (IMAGE, LABEL):
        _write_sform(patient / name, np.diag([*diagonal, 1.0]))
    assert f"{IMAGE}: expected pixels of 0.2 to 5 mm, slices 0.5 to 30 mm apart" in _message(patient)


def _write_sform(path, affine):
    """Put any affine into a header; nibabel itself would refuse some."""
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[280 : 280 + 48] = affine[:3].astype("<f4").tobytes()  # srow_x, srow_y, srow_z of NIfTI-1
    path.write_bytes(gzip.compress(bytes(content)))


def test_axes_that_coincide(patient, change):
    flat = np.array([[3.0, 3.0, 0, 0], [0, 0.1, 0, 0], [0, 0, 10, 0], [0, 0, 0, 1]])
    for name in (IMAGE, LABEL):
        change(name, affine=flat)
    assert "three distinct axes" in _message(patient)


def test_a_file_that_is_cut_short(patient):
    path = patient / IMAGE
    path.write_bytes(path.read_bytes()[:-3000])
    assert f"{IMAGE}: expected a readable NIfTI" in _message(patient)


def test_all_problems_are_named_up_to_ten():
    raise_problems([], 5)
    with pytest.raises(CmrtfError, match=r"^a: bad$"):
        raise_problems(["a: bad"], 5)
    with pytest.raises(CmrtfError) as caught:
        raise_problems([f"file{i}: bad" for i in range(12)], 40)
    message = str(caught.value)
    assert message.startswith("12 of 40 subjects cannot be used:\n  - file0: bad\n")
    assert "file9" in message
    assert "file10" not in message
    assert message.endswith("... and 2 more.")
