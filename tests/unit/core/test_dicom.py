import sys

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGLosslessSV1

from cmrtf.core.dicom import is_dicom, read_frames, read_pixels
from cmrtf.errors import CmrtfError, FileError
from dicom_files import FRAMES, SECRET, SLICES, pixels, write_multi_frame, write_series


def _error(path):
    with pytest.raises(FileError) as caught:
        read_frames(path)
    assert SECRET not in str(caught.value)
    assert "1.2.1" not in str(caught.value)  # the series' identifier
    return str(caught.value)


def _with(name, value, z=1, t=0):
    """A change of one file of a series."""

    def change(dataset, at_z, at_t):
        if (at_z, at_t) == (z, t):
            setattr(dataset, name, value)

    return change


def test_files_of_other_kinds_are_passed_over(tmp_path):
    folder = write_series(tmp_path / "series")
    (folder / "notes.txt").write_text("seen by me")
    (folder / ".hidden.dcm").write_text("")
    assert len(read_frames(folder)) == SLICES * FRAMES


def test_dicom_without_an_image_is_passed_over(tmp_path):
    def without_image(dataset, z, t):
        if (z, t) == (0, 0):
            del dataset.Rows, dataset.Columns, dataset.PixelData

    assert len(read_frames(write_series(tmp_path / "series", without_image))) == SLICES * FRAMES - 1


def test_pixels_of_each_frame_are_those_stored(tmp_path):
    path = write_multi_frame(tmp_path / "cine.dcm", [(1, 1), (0, 0)])
    np.testing.assert_array_equal(read_pixels(path), [pixels(1, 1), pixels(0, 0)])


def test_a_folder_without_images_is_named(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    assert f"{tmp_path}: expected DICOM images. Received: a folder with notes.txt." in _error(tmp_path)


def test_a_dead_link_is_named(tmp_path):
    folder = write_series(tmp_path / "series")
    (folder / "more").symlink_to(tmp_path / "gone.dcm")
    assert "more: expected to be able to read it. Received: no permission, or a dead link." in _error(folder)


@pytest.mark.parametrize("content", [b"", b"\x00" * 128 + b"DICM", b"GIF89a"])
def test_a_file_that_is_cut_short_is_named(tmp_path, content):
    folder = write_series(tmp_path / "series")
    (folder / "5-1.dcm").write_bytes(content)
    assert "5-1.dcm: expected a DICOM" in _error(folder)


@pytest.mark.parametrize(
    "change",
    [
        _with("ImagePositionPatient", None),
        _with("ImageOrientationPatient", [1, 0, 0, 1, 0, 0]),
        _with("PixelSpacing", [1.0]),
    ],
    ids=["position", "orientation", "spacing"],
)
def test_a_frame_without_a_place_is_named(tmp_path, change):
    message = _error(write_series(tmp_path / "series", change))
    assert "7-1.dcm: expected a DICOM image whose place in the scanner is known" in message


def test_pictures_in_colour_are_refused(tmp_path):
    message = _error(write_series(tmp_path / "series", _with("PhotometricInterpretation", "RGB")))
    assert "7-1.dcm: expected grey values" in message


def test_a_header_that_claims_too_much_is_refused(tmp_path):
    message = _error(write_series(tmp_path / "series", _with("NumberOfFrames", 10**9)))
    assert "7-1.dcm: expected 536,870,912 pixels at most. Received: a header that claims 30,000" in message


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, DeflatedExplicitVRLittleEndian, "1.2.3.4"])
def test_a_transfer_syntax_without_a_decoder_is_named(tmp_path, syntax):
    folder = write_series(tmp_path / "series")
    file = folder / "7-1.dcm"
    content, plain = file.read_bytes(), b"1.2.840.10008.1.2.1\x00"
    length = content.index(b"UI", 128 + 4 + 60)
    assert plain in content, length
    name = str(syntax).encode() + b"\x00" * (len(str(syntax)) % 2)
    start = content.index(plain)
    file.write_bytes(
        content[: start - 2] + len(name).to_bytes(2, "little") + name + content[start + len(plain) :]
    )
    message = _error(folder)
    assert "7-1.dcm: expected a " in message
    assert "transfer syntax" in message
    assert "gdcmconv --raw" in message


def test_pixels_that_are_cut_short_are_named(tmp_path):
    file = write_series(tmp_path / "series") / "5-1.dcm"
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(FileError, match=r"5-1\.dcm: expected pixels that can be decoded"):
        read_pixels(file)


def test_what_to_install_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(CmrtfError, match=r"pip install 'cmrtf\[dicom\]'"):
        read_frames(tmp_path)


def test_headers_print_no_warnings(tmp_path, recwarn):
    """Pydicom quotes the values that break its rules."""
    read_frames(write_series(tmp_path / "series", _with("SeriesInstanceUID", "1.2.0001")))
    assert not recwarn.list


def test_dicom_is_told_by_its_letters(tmp_path):
    assert is_dicom(write_multi_frame(tmp_path / "cine", [(0, 0)]))
    assert not is_dicom(tmp_path / "gone")
