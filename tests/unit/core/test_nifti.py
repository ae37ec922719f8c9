import gzip
import os
import tracemalloc

import nibabel as nib
import numpy as np
import pytest

from cmrtf.core import nifti
from cmrtf.core.nifti import read_nifti, write_nifti
from cmrtf.errors import CmrtfError

OBLIQUE = np.array([[1.2, 0.3, 2.0, -40.0], [-0.3, 1.2, 1.0, 12.0], [0.1, -0.2, 8.0, 70.0], [0, 0, 0, 1.0]])


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nii"])
def test_values_affine_and_type_survive(tmp_path, name):
    data = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    write_nifti(tmp_path / name, data, OBLIQUE)
    volume = read_nifti(tmp_path / name)
    np.testing.assert_array_equal(volume.data, data)
    assert volume.data.dtype == np.int16
    np.testing.assert_allclose(volume.affine, OBLIQUE, atol=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_header_says_that_it_is_synthetic(tmp_path):
    write_nifti(tmp_path / "a.nii.gz", np.zeros((2, 2, 2), np.uint8), np.eye(4))
    assert bytes(nib.load(tmp_path / "a.nii.gz").header["descrip"]).startswith(b"synthetic, cmrtf")


def test_scaled_values_are_read_in_source_units(tmp_path):
    image = nib.Nifti1Image(np.array([[[0.0, 0.5], [1.0, 100.0]]]), np.eye(4))
    image.set_data_dtype(np.int16)
    nib.save(image, tmp_path / "a.nii.gz")
    np.testing.assert_allclose(read_nifti(tmp_path / "a.nii.gz").data[0, 1, 1], 100.0, rtol=1e-3)


def test_a_cine_keeps_its_time_step(tmp_path):
    write_nifti(tmp_path / "a.nii.gz", np.zeros((2, 2, 2, 3), np.uint8), np.eye(4), time_step_s=0.03)
    assert nib.load(tmp_path / "a.nii.gz").header.get_zooms()[3] == pytest.approx(0.03)


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch):
    def full_disk(image, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(nifti.nib, "save", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_nifti(tmp_path / "a.nii.gz", np.zeros((2, 2, 2), np.uint8), np.eye(4))
    assert not list(tmp_path.iterdir())


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CmrtfError, match=r"gone\.nii\.gz: expected a NIfTI file"):
        read_nifti(tmp_path / "gone.nii.gz")


def test_a_file_that_is_cut_short_is_named(tmp_path):
    path = tmp_path / "short.nii.gz"
    write_nifti(path, np.random.default_rng(0).integers(0, 999, (20, 20, 20)).astype(np.int16), np.eye(4))
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(CmrtfError, match=r"short\.nii\.gz: expected a readable NIfTI"):
        read_nifti(path)


@pytest.mark.parametrize("content", [b"no gzip at all", gzip.compress(b"gzip, but no NIfTI" * 50, mtime=0)])
def test_a_file_of_another_kind_is_named(tmp_path, content):
    (tmp_path / "other.nii.gz").write_bytes(content)
    with pytest.raises(CmrtfError, match=r"other\.nii\.gz: expected a readable NIfTI"):
        read_nifti(tmp_path / "other.nii.gz")


def _claim(path, content=bytes(64), sizes=(30000,) * 3, compress=True):
    """A file whose header claims many voxels."""
    header = nib.Nifti1Header()
    header.set_data_shape(sizes)
    header["vox_offset"] = 352
    header["magic"] = b"n+1"
    block = header.binaryblock + bytes(4) + content
    path.write_bytes(gzip.compress(block) if compress else block)


@pytest.mark.parametrize("compress", [True, False])
def test_a_header_that_claims_too_many_voxels_is_not_believed(tmp_path, compress):
    _claim(tmp_path / "a.nii.gz", compress=compress)
    with pytest.raises(CmrtfError, match=r"a header that claims 27,000,000,000,000, and 108"):
        read_nifti(tmp_path / "a.nii.gz")


@pytest.mark.parametrize("compress", [True, False])
def test_a_file_that_cannot_hold_its_voxels_allocates_nothing(tmp_path, compress):
    _claim(tmp_path / "a.nii.gz", sizes=(2000, 2000, 4), compress=compress)
    tracemalloc.start()
    with pytest.raises(CmrtfError, match=r"of 64,000,352 bytes, as its header says. Received: a file of"):
        read_nifti(tmp_path / "a.nii.gz")
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_scaled_voxels_count_as_what_they_become(tmp_path):
    """A cine of bytes that fits, and would not as float64."""
    header = nib.Nifti1Header()
    header.set_data_shape((512, 512, 64, 20))
    header.set_data_dtype(np.uint8)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(header.binaryblock + bytes(1000)))
    with pytest.raises(CmrtfError, match=r"of 335,544,672 bytes, as its header says"):
        read_nifti(path)
    header["scl_slope"] = 0.5
    path.write_bytes(gzip.compress(header.binaryblock + bytes(1000)))
    with pytest.raises(
        CmrtfError, match=r"1,073,741,824 bytes in all frames, at most. Received: .*2,684,354,560"
    ):
        read_nifti(path)


def test_memory_that_is_not_there_is_an_error_of_the_file(tmp_path, monkeypatch):
    write_nifti(tmp_path / "a.nii.gz", np.zeros((4, 4, 4), np.uint8), np.eye(4))

    def refuse(*_):
        raise MemoryError

    monkeypatch.setattr(nifti.nib.Nifti1Header, "data_from_fileobj", refuse)
    with pytest.raises(CmrtfError, match=r"a\.nii\.gz: expected a volume that fits into memory"):
        read_nifti(tmp_path / "a.nii.gz")


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.nii.gz")
    (tmp_path / "b.nii").symlink_to("/dev/zero")
    for name in ("a.nii.gz", "b.nii"):
        with pytest.raises(CmrtfError, match=rf"{name}: expected a NIfTI file. Received: what is not a file"):
            read_nifti(tmp_path / name)


def test_what_follows_the_voxels_is_counted_and_not_kept(tmp_path, monkeypatch):
    """A small file that unpacks to 50 MB."""
    _claim(tmp_path / "a.nii.gz", content=bytes(50_000_000), sizes=(4, 4, 4))
    tracemalloc.start()
    with pytest.raises(CmrtfError, match=r"a volume of 608 bytes, .*Received: 50,000,352 bytes"):
        read_nifti(tmp_path / "a.nii.gz")
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()
    monkeypatch.setattr(nifti, "MAX_VOLUME_BYTES", 1_000_000)
    with pytest.raises(CmrtfError, match=r"Received: 1,0\d\d,\d{3} bytes"):
        read_nifti(tmp_path / "a.nii.gz")


def _with_header(path, **fields):
    """Change fields of a header, in a file of zeros and ones that is compressed or not."""
    data = np.random.default_rng(0).integers(0, 2, (20, 20, 8)).astype(np.int16)
    content = bytearray(nib.Nifti1Image(data, np.eye(4)).to_bytes())
    header = nib.Nifti1Header(bytes(content[:348]), check=False)
    for name, value in fields.items():
        header[name] = value
    content[:348] = header.binaryblock
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize(
    "fields",
    [{"dim": [3, 20, 20, 5, 1, 1, 1, 1]}, {"dim": [3, 20, 18, 8, 1, 1, 1, 1]}, {"datatype": 2, "bitpix": 8}],
    ids=["fewer slices", "fewer rows", "smaller voxels"],
)
def test_a_header_that_claims_less_than_there_is_is_not_believed(tmp_path, name, fields):
    _with_header(tmp_path / name, **fields)
    with pytest.raises(
        CmrtfError, match=rf"{name}: expected a volume of [\d,]+ bytes.*Received: 6,752 bytes"
    ):
        read_nifti(tmp_path / name)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_voxels_that_begin_within_the_header_are_refused(tmp_path, name):
    _with_header(tmp_path / name, vox_offset=348)
    with pytest.raises(CmrtfError, match=rf"{name}: expected a vox_offset from 352 .*Received: 348"):
        read_nifti(tmp_path / name)


def test_voxels_that_begin_within_a_header_of_version_2_are_refused(tmp_path):
    content = bytearray(nib.Nifti2Image(np.zeros((4, 4, 4), np.uint8), np.eye(4)).to_bytes())
    header = nib.Nifti2Header(bytes(content[:540]), check=False)
    header["vox_offset"] = 540
    (tmp_path / "a.nii").write_bytes(header.binaryblock + content[540:])
    with pytest.raises(CmrtfError, match=r"expected a vox_offset from 544 .*Received: 540"):
        read_nifti(tmp_path / "a.nii")


@pytest.mark.parametrize("compress", [True, False])
def test_padding_behind_the_voxels_is_passed_over(tmp_path, compress):
    _claim(
        tmp_path / "a.nii.gz", content=bytes(4 * 64 + nifti.PADDING_BYTES), sizes=(4, 4, 4), compress=compress
    )
    assert read_nifti(tmp_path / "a.nii.gz").data.shape == (4, 4, 4)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_extensions_before_the_voxels_are_passed_over(tmp_path, name):
    data = np.arange(64, dtype=np.int16).reshape(4, 4, 4)
    image = nib.Nifti1Image(data, np.eye(4))
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"x" * 5000))
    nib.save(image, tmp_path / name)
    np.testing.assert_array_equal(read_nifti(tmp_path / name).data, data)


def test_a_second_stream_behind_the_first_is_read_too(tmp_path):
    write_nifti(tmp_path / "a.nii", np.zeros((4, 4, 4), np.int16), np.eye(4))
    content = (tmp_path / "a.nii").read_bytes()
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(content[:400]) + gzip.compress(content[400:]))
    assert read_nifti(tmp_path / "b.nii.gz").data.shape == (4, 4, 4)
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(content) + gzip.compress(bytes(1000)))
    with pytest.raises(CmrtfError, match=r"a volume of 480 bytes.*Received: 1,480 bytes"):
        read_nifti(tmp_path / "b.nii.gz")


@pytest.mark.parametrize("padding", [0, nifti.PADDING_BYTES])
def test_a_checksum_behind_padding_is_compared(tmp_path, padding):
    _claim(tmp_path / "a.nii.gz", content=bytes(4 * 64 + padding), sizes=(4, 4, 4))
    content = bytearray((tmp_path / "a.nii.gz").read_bytes())
    content[-8] ^= 255
    (tmp_path / "a.nii.gz").write_bytes(content)
    with pytest.raises(CmrtfError, match=r"a\.nii\.gz: expected a readable NIfTI.*CRC"):
        read_nifti(tmp_path / "a.nii.gz")


def test_a_gzip_whose_checksum_is_wrong_is_named(tmp_path):
    write_nifti(tmp_path / "a.nii.gz", np.ones((4, 4, 4), np.uint8), np.eye(4))
    content = bytearray((tmp_path / "a.nii.gz").read_bytes())
    content[-8] ^= 255
    (tmp_path / "a.nii.gz").write_bytes(content)
    with pytest.raises(CmrtfError, match=r"a\.nii\.gz: expected a readable NIfTI.*CRC"):
        read_nifti(tmp_path / "a.nii.gz")


def test_both_versions_in_both_byte_orders_are_read(tmp_path):
    data = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    for image_class in (nib.Nifti1Image, nib.Nifti2Image):
        for order in "<>":
            header = image_class.header_class(endianness=order)
            nib.save(image_class(data, OBLIQUE, header), tmp_path / "a.nii")
            volume = read_nifti(tmp_path / "a.nii")
            np.testing.assert_array_equal(volume.data, data)
            np.testing.assert_allclose(volume.affine, OBLIQUE, atol=1e-5)
            assert (volume.space_unit, volume.is_gzip) == ("unknown", False)


def test_colours_are_no_intensities(tmp_path):
    colours = np.zeros((4, 4, 4), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    nib.save(nib.Nifti1Image(colours, np.eye(4)), tmp_path / "a.nii")
    with pytest.raises(CmrtfError, match=r"a\.nii: expected real numbers"):
        read_nifti(tmp_path / "a.nii")


def test_a_fourth_axis_of_one_frame_is_no_cine(tmp_path):
    nib.save(nib.Nifti1Image(np.zeros((4, 5, 6, 1), np.uint8), np.eye(4)), tmp_path / "a.nii")
    assert read_nifti(tmp_path / "a.nii").data.shape == (4, 5, 6)


def test_a_flat_picture_is_no_volume(tmp_path):
    nib.save(nib.Nifti1Image(np.zeros((4, 4), np.uint8), np.eye(4)), tmp_path / "flat.nii.gz")
    with pytest.raises(
        CmrtfError, match=r"flat\.nii\.gz: expected a 3D or 4D volume. Received: shape=\(4, 4\)"
    ):
        read_nifti(tmp_path / "flat.nii.gz")


@pytest.mark.parametrize("error", [1e-6, 1e-4])
def test_a_quaternion_longer_than_1_by_rounding_is_read(tmp_path, error):
    half_turn = np.diag([-1.0, -1.0, 8.0, 1.0])  # whose quaternion is (0, 0, 0, 1)
    image = nib.Nifti1Image(np.zeros((2, 2, 2), np.uint8), None)
    image.set_qform(half_turn, 1)
    nib.save(image, tmp_path / "a.nii")
    content = bytearray((tmp_path / "a.nii").read_bytes())
    content[264:268] = np.array(1 + error, "<f4").tobytes()  # quatern_d
    (tmp_path / "a.nii").write_bytes(content)
    with pytest.raises(ValueError, match="w2"):
        nib.load(tmp_path / "a.nii").get_qform()
    np.testing.assert_allclose(read_nifti(tmp_path / "a.nii").affine, half_turn, atol=1e-6)


def test_what_a_header_says_twice_is_read_twice(tmp_path):
    image = nib.Nifti1Image(np.zeros((2, 2, 2), np.uint8), OBLIQUE)
    image.set_qform(np.diag([2.0, 3.0, 4.0, 1.0]), 1)
    nib.save(image, tmp_path / "a.nii.gz")
    volume = read_nifti(tmp_path / "a.nii.gz")
    np.testing.assert_allclose(volume.affine, OBLIQUE, atol=1e-5)
    np.testing.assert_allclose(volume.qform, np.diag([2.0, 3.0, 4.0, 1.0]), atol=1e-5)
    assert volume.pixdim_mm == (2.0, 3.0, 4.0)


def test_a_qform_that_is_no_rotation_says_nothing_beside_a_sform(tmp_path):
    image = nib.Nifti1Image(np.zeros((2, 2, 2), np.uint8), OBLIQUE)
    image.header["qform_code"], image.header["quatern_d"] = 1, 2.0
    nib.save(image, tmp_path / "a.nii.gz")
    assert read_nifti(tmp_path / "a.nii.gz").qform is None
