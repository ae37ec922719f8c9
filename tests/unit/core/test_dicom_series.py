import shutil
import subprocess

import nibabel as nib
import numpy as np
import pytest
from pydicom import config

from cmrtf.core.dicom_series import CineSeries, convert, read_volume
from cmrtf.core.nifti import write_nifti
from cmrtf.errors import CmrtfError, FileError
from dicom_files import (
    FRAMES,
    NORMAL,
    ORIENTATION,
    POSITION,
    SECRET,
    SLICE_MM,
    SLICES,
    affine,
    volume,
    write_multi_frame,
    write_series,
)


def _error(folder):
    with pytest.raises(FileError) as caught:
        CineSeries.open(folder)
    assert SECRET not in str(caught.value)
    return str(caught.value)


def _of(z, t=None, **values):
    """A change of the files of one slice, or of one frame of it."""

    def change(dataset, at_z, at_t):
        if at_z == z and t in (None, at_t):
            for name, value in values.items():
                setattr(dataset, name, value)

    return change


def test_a_series_is_put_in_order_by_place_and_time_not_by_name(tmp_path):
    series = CineSeries.open(write_series(tmp_path / "series"))
    read = series.read()
    np.testing.assert_array_equal(read.data, volume())
    assert read.data.dtype == np.int16
    np.testing.assert_allclose(read.affine, affine(), atol=1e-9)
    assert series.time_step_s == pytest.approx(0.03)
    assert series.places()[100 - FRAMES * 2 - 1] == (2, 1)


def test_a_multi_frame_file_is_the_same_series_scaled(tmp_path):
    frames = [(1, 1), (2, 0), (0, 1), (2, 1), (0, 0), (1, 0)]
    read = read_volume(write_multi_frame(tmp_path / "cine", frames))
    slopes = 0.5 + np.arange(SLICES)
    np.testing.assert_allclose(read.data, volume() * slopes[:, None] - 3.0, rtol=1e-6)
    np.testing.assert_allclose(read.affine, affine(), atol=1e-9)


def test_values_are_scaled_where_one_header_says_so(tmp_path):
    folder = write_series(tmp_path / "series", _of(1, RescaleSlope=2.5, RescaleIntercept=-7))
    expected = volume().astype(np.float64)
    expected[:, :, 1] = 2.5 * expected[:, :, 1] - 7
    np.testing.assert_allclose(CineSeries.open(folder).read().data, expected)


def test_without_trigger_times_the_instance_number_counts(tmp_path):
    def without_times(dataset, z, t):
        del dataset.TriggerTime
        dataset.InstanceNumber = 10 * z + t

    series = CineSeries.open(write_series(tmp_path / "series", without_times))
    np.testing.assert_array_equal(series.read().data, volume())
    assert series.time_step_s == 0.0


def test_frames_of_one_time_are_not_put_in_order_by_their_numbers(tmp_path):
    """As where magnitude and phase are in one series."""

    def untimed(dataset, z, t):
        dataset.TriggerTime, dataset.TemporalPositionIdentifier = 20.0 + z, 1

    folder = write_series(tmp_path / "untimed", untimed)
    assert CineSeries.open(folder).shape[3] == FRAMES  # nothing tells of two times: instance numbers count
    folder = write_series(tmp_path / "series")
    for path in write_series(tmp_path / "more").glob("*"):
        path.rename(folder / f"more-{path.name}")
    assert "the series show more than the heart's motion" in _error(folder)


def test_a_frame_that_is_there_twice_is_refused_though_their_numbers_differ(tmp_path):
    path = write_multi_frame(tmp_path / "cine", [(0, 0), (0, 0), (1, 0), (1, 1)])
    assert "expected one frame at each place and time" in _error(path)


def test_a_multi_frame_file_without_times_is_in_the_order_of_its_frames(tmp_path):
    path = write_multi_frame(tmp_path / "cine", [(0, 0), (0, 1), (1, 0), (1, 1)], timed=False)
    np.testing.assert_array_equal(read_volume(path).data[..., 0, :], volume()[..., 0, :] * 0.5 - 3.0)


def test_rounded_positions_and_orientations_are_one_stack(tmp_path):
    rounded = tuple(np.array(ORIENTATION) + 1e-6)
    folder = write_series(tmp_path / "series", _of(1, 0, ImageOrientationPatient=list(rounded)))
    assert CineSeries.open(folder).shape == (6, 5, SLICES, FRAMES)


def test_one_slice_is_as_thick_as_its_header_says(tmp_path):
    path = write_multi_frame(tmp_path / "cine", [(0, 0), (0, 1)])
    read = read_volume(path)
    assert read.data.shape == (6, 5, 1, 2)
    np.testing.assert_allclose(read.affine, affine(), atol=1e-9)


def test_two_series_in_a_folder_are_refused(tmp_path):
    folder = write_series(write_series(tmp_path / "series"), series="2")
    message = _error(folder)
    assert f"{folder}: expected one series. Received: 2 (" in message
    assert "4-1.dcm and 5 more" in message
    assert "4-2.dcm and 5 more" in message


def test_a_missing_slice_is_named(tmp_path):
    def gap(dataset, z, t):
        if z == 2:
            dataset.ImagePositionPatient = list(np.array(dataset.ImagePositionPatient) + 8.0 * NORMAL)

    message = _error(write_series(tmp_path / "series", gap))
    assert "mm apart. Received: 16.0 mm to 7-1.dcm, the next one: a slice is missing there" in message


def test_slices_that_form_no_stack_are_named(tmp_path):
    beside = POSITION + SLICE_MM * NORMAL + 3.0 * np.array(ORIENTATION[:3])
    folder = write_series(tmp_path / "series", _of(1, ImagePositionPatient=list(beside)))
    assert "they do not form a stack" in _error(folder)


def test_a_missing_frame_is_named(tmp_path):
    folder = write_series(tmp_path / "series")
    (folder / "7-1.dcm").unlink()
    assert "6-1.dcm: expected 2 frames of its slice, as of others. Received: 1" in _error(folder)


def test_a_file_that_is_there_twice_is_named(tmp_path):
    folder = write_series(tmp_path / "series")
    shutil.copy(folder / "9-1.dcm", folder / "copy.dcm")
    message = _error(folder)
    assert "copy.dcm: expected one frame at each place and time. Received: another one, 9-1.dcm. A" in message


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}, "orientation"),
        ({"Rows": 3, "Columns": 10}, "number of pixels"),
        ({"PixelSpacing": [2.0, 2.0]}, "pixel spacing"),
    ],
)
def test_a_frame_of_another_kind_than_most_is_named(tmp_path, values, what):
    message = _error(write_series(tmp_path / "series", _of(2, 1, **values)))
    assert message.startswith(str(tmp_path / "series" / "4-1.dcm"))  # the first in the folder
    assert f"expected the {what} of 5-1.dcm" in message


def test_a_converted_series_has_pixels_place_and_time_and_no_text(tmp_path):
    out = tmp_path / "cine.nii"
    convert(write_series(tmp_path / "series"), out)
    image = nib.load(out)
    np.testing.assert_array_equal(np.asarray(image.dataobj), volume())
    np.testing.assert_allclose(image.affine, affine(), atol=1e-5)
    assert image.header.get_zooms()[3] == pytest.approx(0.03)
    assert bytes(image.header["descrip"]).startswith(b"cmrtf convert")
    content = out.read_bytes()
    assert not any(text in content for text in (SECRET.encode(), b"Doe", b"1999", b"1.2.1"))


def test_a_series_is_converted_once_and_to_nifti(tmp_path):
    folder = write_series(tmp_path / "series")
    convert(folder, tmp_path / "cine.nii.gz")
    with pytest.raises(CmrtfError, match="expected a file that does not exist yet"):
        convert(folder, tmp_path / "cine.nii.gz")
    with pytest.raises(CmrtfError, match=r"ends in \.nii"):
        convert(folder, tmp_path / "cine.mha")


def test_nifti_is_read_as_well(tmp_path):
    write_nifti(tmp_path / "a.nii.gz", np.ones((2, 2, 2), np.int16), np.eye(4))
    assert read_volume(tmp_path / "a.nii.gz").data.sum() == 8


@pytest.mark.skipif(not shutil.which("dcm2niix"), reason="dcm2niix is not installed")
def test_dcm2niix_finds_the_same_voxels_in_the_same_places(tmp_path):
    def count(dataset, z, t):  # its order is that of instance numbers
        dataset.InstanceNumber = 1 + FRAMES * z + t

    folder = write_series(tmp_path / "series", count)
    command = ["dcm2niix", "-z", "n", "-f", "theirs", "-o", str(tmp_path), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    theirs = nib.load(tmp_path / "theirs.nii")
    own = CineSeries.open(folder).read()
    to_theirs = np.linalg.inv(theirs.affine) @ own.affine
    np.testing.assert_allclose(to_theirs, np.rint(to_theirs), atol=1e-3)
    indices = np.rint(
        np.moveaxis(np.indices(own.data.shape[:3]), 0, -1) @ to_theirs[:3, :3].T + to_theirs[:3, 3]
    )
    x, y, z = np.moveaxis(indices.astype(int), -1, 0)
    np.testing.assert_array_equal(np.asarray(theirs.dataobj)[x, y, z], own.data)


@pytest.mark.parametrize(
    ("name", "value", "received"),
    [
        ("PixelSpacing", ["0", "0"], "PixelSpacing from 0.01 to 100. Received: [0.0, 0.0]"),
        ("PixelSpacing", ["nan", "1"], "PixelSpacing from 0.01 to 100. Received: [nan, 1.0]"),
        ("ImagePositionPatient", ["1e30"] * 3, "ImagePositionPatient from -10000 to 10000"),
        ("TriggerTime", "nan", "the trigger time from -1e+06 to 1e+06. Received: nan"),
        ("RescaleSlope", "0", "RescaleSlope from 1e-09 to 1e+09. Received: 0.0"),
        ("RescaleIntercept", "inf", "RescaleIntercept from -1e+09 to 1e+09. Received: inf"),
    ],
)
def test_numbers_that_no_scanner_writes_are_refused(tmp_path, name, value, received):
    config.settings.reading_validation_mode = config.settings.writing_validation_mode = config.IGNORE
    folder = write_series(tmp_path / "series", lambda dataset, z, t: setattr(dataset, name, value))
    assert f"expected {received}" in _error(folder)


def test_a_time_that_some_frames_lack_is_no_time(tmp_path):
    def change(dataset, z, t):
        if (z, t) == (1, 1):
            del dataset.TriggerTime

    assert "expected a trigger time, as 1 of the 2 frames" in _error(
        write_series(tmp_path / "series", change)
    )


def test_pixels_of_several_types_are_not_cast(tmp_path):
    def change(dataset, z, t):
        dataset.PixelRepresentation = int((z, t) != (1, 1))

    with pytest.raises(FileError, match=r"expected pixels of type int16.* Received: uint16"):
        read_volume(write_series(tmp_path / "series", change))


def test_one_slice_without_a_thickness_is_refused(tmp_path):
    folder = write_series(tmp_path / "series")
    for path in sorted(folder.iterdir())[2:]:
        path.unlink()
    assert "since there is one slice. Received: neither" in _error(folder)


def test_an_instance_number_of_two_files_is_no_place(tmp_path):
    folder = write_series(
        tmp_path / "series", lambda dataset, z, t: setattr(dataset, "InstanceNumber", t + 1)
    )
    with pytest.raises(FileError, match=r"expected an InstanceNumber of its own\. Received: 1, which"):
        CineSeries.open(folder).places()
