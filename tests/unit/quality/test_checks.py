"""Each kind of bad file and each repair, as `examine` finds them in a patient of ACDC."""

import gzip

import nibabel as nib
import numpy as np
import pytest

from cmrtf.datasets.readers import read_raw
from cmrtf.errors import CmrtfError
from cmrtf.quality.checks import examine

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
        examine(subject).usable_volumes()
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
    assert f"{IMAGE}: expected a stack of at least 2 slices from apex to base. Received: 1" in _message(
        patient
    )


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
    examine(read_raw(patient.parent).subjects[0]).usable_volumes()


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
    examine(read_raw(patient.parent).subjects[0]).usable_volumes()


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
    message = _message(patient)
    assert f"{IMAGE}: expected pixels of 0.2 to 5 mm, slices 0.5 to 30 mm apart" in message
    assert ("These look like metres." in message) == (diagonal == (0.003, 0.003, 0.01))


def test_a_spacing_of_zero_is_not_repaired(patient):
    """nibabel would make 1 mm of it, where the affine comes from the spacing."""
    for name in (IMAGE, LABEL):
        content = bytearray(gzip.decompress((patient / name).read_bytes()))
        content[252:256] = bytes(4)  # qform_code and sform_code
        content[80:92] = np.array([1.5, 0, 10], "<f4").tobytes()  # pixdim[1:4]
        (patient / name).write_bytes(gzip.compress(bytes(content)))
    assert "Received: 1.5 x 0 x 10 mm" in _message(patient)


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


@pytest.fixture
def warnings(patient):
    """Problems of all warnings, once the subject is usable, but for the direction of the stack."""

    def found():
        (subject,) = read_raw(patient.parent).subjects
        examination = examine(subject)
        examination.usable_volumes()
        assert {issue.subject for issue in examination.issues} <= {"patient007"}
        return [problem for problem in examination.warnings if "base to apex" not in problem]

    return found


def test_a_good_patient_is_only_turned_round(patient, warnings, write_acdc):
    (subject,) = read_raw(patient.parent).subjects
    assert examine(subject).warnings == ("the stack runs from base to apex; it is turned round",)
    write_acdc(patient.parent, "patient007", apex_first=True)
    assert examine(subject).warnings == ()
    assert warnings() == []


def test_all_errors_of_a_subject_are_named(patient, change):
    change(IMAGE, lambda data: _with(data, np.nan))
    change("patient007_frame01_gt.nii.gz", np.zeros_like)
    message = _message(patient)
    assert "frame01_gt.nii.gz: expected a heart" in message
    assert " Also: " in message
    assert f"{IMAGE}: expected finite values" in message


def test_nan_away_from_the_heart_becomes_the_lowest_value(patient, change, warnings):
    def spoil(data):
        spoilt = data.astype(np.float32)
        spoilt[0] = np.nan
        return spoilt

    change(IMAGE, spoil)
    (problem,) = warnings()
    assert "264 voxels that are NaN or infinite, all of them away from the heart" in problem
    image = examine(read_raw(patient.parent).subjects[0]).volumes["ES"].image
    assert (image[0] == image[1:].min()).all()


def test_swapped_phases_are_exchanged(patient, warnings):
    original = examine(read_raw(patient.parent).subjects[0])
    (patient / "Info.cfg").write_text("ED: 3\nES: 1\nGroup: DCM\n")
    (problem,) = warnings()
    assert "expected an LV that is larger at ED than at ES" in problem
    repaired = examine(read_raw(patient.parent).subjects[0])
    assert {phase: files.frame for phase, files in repaired.subject.phases.items()} == {"ED": 0, "ES": 2}
    np.testing.assert_array_equal(repaired.volumes["ED"].image, original.volumes["ED"].image)
    assert repaired.volumes["ED"].source.name == "patient007_frame01.nii.gz"


@pytest.mark.parametrize(
    ("order", "received"),
    [((0, 3, 2, 1), "Received: 1 within 2"), ((0, 2, 1, 3), "Received: 3 within 1")],
)
def test_labels_in_the_order_of_another_data_set(patient, change, order, received):
    change(LABEL, lambda data: np.array(order, np.uint8)[data])
    message = _message(patient)
    assert f"{LABEL}: expected LV (3) within myocardium (2). {received}" in message


def test_axes_that_are_not_at_right_angles(patient, change, warnings):
    skewed = AFFINE.copy()
    skewed[0, 1] = 0.1
    for path in patient.glob("*.nii.gz"):
        change(path.name, affine=skewed)
    assert warnings() == ["expected axes at right angles. Received: 1.91 degrees off; kept as they are"]


def test_left_handed_axes(patient, change, warnings):
    for path in patient.glob("*.nii.gz"):
        change(path.name, affine=AFFINE * [-1, 1, 1, 1])
    assert warnings() == ["expected right-handed axes. Received: left-handed ones; kept as they are"]


@pytest.mark.parametrize(("code", "unit"), [("meter", "metre"), ("micron", "micrometre")])
def test_another_unit_in_the_header(patient, warnings, code, unit):
    image = nib.load(patient / IMAGE)
    image.header.set_xyzt_units(code)
    image = nib.Nifti1Image(np.asanyarray(image.dataobj), image.affine, image.header)
    nib.save(image, patient / IMAGE)
    (problem,) = warnings()
    assert f"expected millimetres. Received: {unit} as the unit" in problem


def test_a_wrong_extension(patient, warnings):
    path = patient / IMAGE
    path.write_bytes(gzip.decompress(path.read_bytes()))
    (problem,) = warnings()
    assert problem == "expected the extension .nii, as the content is. Received: .nii.gz; read as what it is"
    path.write_bytes(gzip.compress(path.read_bytes()))
    path.rename(path.with_suffix(""))
    (problem,) = warnings()
    assert problem == "expected the extension .nii.gz, as the content is. Received: .nii; read as what it is"


@pytest.mark.parametrize("slices", [2, 3])
def test_few_slices(patient, change, warnings, slices):
    for path in patient.glob("*.nii.gz"):
        change(path.name, lambda data: data[:, :, :slices])
    assert f"expected a stack of at least 4 slices from apex to base. Received: {slices}" in warnings()


def test_saturated_values(change, warnings):
    change(IMAGE, lambda data: np.clip(data, 0, 255).astype(np.uint8))
    (problem,) = warnings()
    assert "expected few voxels at 255, the end of uint8" in problem


def test_negative_values_of_integers(change, warnings):
    change(IMAGE, lambda data: (data - 90).astype(np.int16))
    (problem,) = warnings()
    assert "expected no negative values in a magnitude image" in problem


def test_values_that_became_negative(patient, change):
    change(IMAGE, lambda data: (data.astype(np.int64) * 120).astype(np.int16))
    assert "values too large for int16 have become negative" in _message(patient)


@pytest.mark.parametrize(
    ("change_image", "dtype"), [(lambda data: data - 90.0, np.float32), (lambda data: data * 100, np.uint16)]
)
def test_other_ranges_of_values_are_fine(change, warnings, change_image, dtype):
    change(IMAGE, lambda data: change_image(data).astype(dtype))
    assert warnings() == []


@pytest.fixture
def resized(patient, save, heart, to_image):
    """Both phases with a heart of another size or spacing."""

    def write(shape, scale, spacing_mm):
        for frame, phase_scale in ((1, scale), (3, 0.8 * scale)):
            label_ids = heart(shape, apex_first=False, scale=phase_scale)
            affine = np.diag([*spacing_mm, 1.0])
            save(patient / f"patient007_frame{frame:02d}.nii.gz", to_image(label_ids), affine)
            reversed_ids = np.array([0, 3, 2, 1], np.uint8)[label_ids]
            save(patient / f"patient007_frame{frame:02d}_gt.nii.gz", reversed_ids, affine)

    return write


def test_a_heart_larger_than_the_crop(resized, warnings):
    resized((90, 90, 6), 3.6, (3.0, 3.0, 10.0))
    (problem,) = warnings()
    assert "more than the 192 mm that are kept: it is cut" in problem


@pytest.mark.parametrize("spacing_mm", [(3.0, 3.0, 1.0), (0.3, 0.3, 10.0)])
def test_a_heart_of_impossible_size(resized, warnings, spacing_mm):
    resized((40, 44, 6), 1.0, spacing_mm)
    (problem,) = warnings()
    assert "look whether the voxel spacing in the file is right" in problem


def test_a_heart_without_taper(patient, change, warnings):
    for path in patient.glob("*.nii.gz"):
        change(path.name, lambda data: np.repeat(data[:, :, 2:3], 6, axis=2))
    (problem,) = warnings()
    assert "apex and base look alike (taper +0.000); the file was taken to be apex first" in problem


def test_a_link_out_of_the_folder(patient, warnings, tmp_path):
    elsewhere = tmp_path.with_name("elsewhere.nii.gz")
    (patient / IMAGE).rename(elsewhere)
    (patient / IMAGE).symlink_to(elsewhere)
    assert warnings() == [
        "expected a file below the data set's folder. Received: a link that leads out of it; followed"
    ]


def test_warnings_of_all_real_patients_are_about_their_order(real_acdc):
    for subject in read_raw(real_acdc).subjects[::5]:
        assert examine(subject).warnings == ("the stack runs from base to apex; it is turned round",)
