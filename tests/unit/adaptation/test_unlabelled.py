import pytest

from cmrtf.adaptation.unlabelled import find_images
from cmrtf.errors import CmrtfError
from dicom_files import write_series


def test_images_are_found_however_deep_and_labels_are_none(unlabelled):
    assert [(image.code, image.path.name) for image in find_images(unlabelled)] == [
        ("P1", "P1_sa.nii.gz"),
        ("P2", "P2.nii.gz"),
        ("P3", "P3.nii"),
    ]


def test_a_dicom_series_is_its_folder(tmp_path):
    write_series(tmp_path / "S1" / "cine")
    (tmp_path / "S1/cine/notes.txt").write_text("short axis")
    (image,) = find_images(tmp_path)
    assert (image.code, image.path) == ("cine", tmp_path / "S1/cine")


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "a_gt.nii.gz").write_bytes(b"")
    with pytest.raises(CmrtfError, match="expected NIfTI images or DICOM series below it"):
        find_images(tmp_path)


def test_two_images_of_one_code_are_refused(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "P1.nii.gz").write_bytes(b"")
    with pytest.raises(CmrtfError, match=r"two/P1\.nii\.gz.*Received: P1, as .*one/P1"):
        find_images(tmp_path)


def test_a_link_that_leads_nowhere_is_named(tmp_path, unlabelled):
    (unlabelled / "series").symlink_to(tmp_path / "gone")
    with pytest.raises(CmrtfError, match=r"series.*link"):
        find_images(unlabelled)
