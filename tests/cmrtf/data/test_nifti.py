import gzip

import nibabel as nib
import numpy as np
import pytest

from cmrtf.data import nifti
from cmrtf.data.nifti import read_nifti, write_nifti
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
    np.testing.assert_allclose(volume.spacing_mm, np.linalg.norm(OBLIQUE[:3, :3], axis=0), rtol=1e-6)
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


@pytest.mark.parametrize("content", [b"no gzip at all", gzip.compress(b"gzip, but no NIfTI" * 50)])
def test_a_file_of_another_kind_is_named(tmp_path, content):
    (tmp_path / "other.nii.gz").write_bytes(content)
    with pytest.raises(CmrtfError, match=r"other\.nii\.gz: expected a readable NIfTI"):
        read_nifti(tmp_path / "other.nii.gz")


def test_a_flat_picture_is_no_volume(tmp_path):
    nib.save(nib.Nifti1Image(np.zeros((4, 4), np.uint8), np.eye(4)), tmp_path / "flat.nii.gz")
    with pytest.raises(
        CmrtfError, match=r"flat\.nii\.gz: expected a 3D or 4D volume. Received: shape=\(4, 4\)"
    ):
        read_nifti(tmp_path / "flat.nii.gz")
