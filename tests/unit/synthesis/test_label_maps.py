import logging

import nibabel as nib
import numpy as np
import pytest

from cmrtf.errors import CmrtfError
from cmrtf.synthesis.label_maps import read_label_map, read_label_maps

AFFINE = np.diag([2.0, 2.0, 10.0, 1.0])
ACDC = np.array([0, 3, 2, 1])
ACDC_VALUES = {"LV": 3, "MYO": 2, "RV": 1}


def heart(size=40):
    """A heart that narrows towards the last slice, `(x, y, z)`."""
    x, y, z = np.indices((size, size, 4))
    radius = np.hypot(x - size // 2, y - size // 2) / (10 - 2 * z)
    return np.select([radius < 0.6, radius < 1, (radius < 1.4) & (x < size // 2)], [1, 2, 3], 0)


def save(path, labels, affine=AFFINE):
    nib.save(nib.Nifti1Image(labels.astype(np.uint8), affine), path)
    return path


def cine(*frames, of=6):
    """A 4D label file's voxels: the heart, on many slices, in some frames, nothing in others."""
    stack = np.repeat(heart(), 3, axis=2)
    return np.stack([stack if frame in frames else stack * 0 for frame in range(of)], -1)


def test_a_label_map_is_prepared_apex_first(tmp_path):
    stack = read_label_map(save(tmp_path / "labels.nii.gz", heart()))
    assert stack.image.shape == stack.label_ids.shape == (4, 128, 128)
    assert stack.spacing_mm == pytest.approx((1.5, 1.5, 10.0))
    areas = stack.areas_mm2("LV")
    assert areas[0] < areas[-1]
    assert (stack.image == -1.0).all()


def test_a_file_on_the_prepared_grid_is_taken_as_it_is(tmp_path):
    labels = heart(128)
    stack = read_label_map(save(tmp_path / "labels.nii.gz", labels, np.diag([1.5, 1.5, 10.0, 1.0])))
    np.testing.assert_array_equal(stack.label_ids, labels.T[::-1])


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.stack([heart(), heart()], -1), "expected a 3D label file, for one image. Received: a 4D file"),
        (heart() * 7, "expected label values within"),
        (heart() * 0, "Received: an empty mask"),
        (heart() * (heart() != 1), "expected a label of LV"),
        (ACDC[heart()], "labels are in the order of another data set"),
    ],
    ids=["4D", "other labels", "no heart", "no LV", "order of ACDC"],
)
def test_what_prepare_refuses_of_labels_is_refused(tmp_path, labels, expected):
    path = save(tmp_path / "labels.nii.gz", labels)
    with pytest.raises(CmrtfError, match=expected) as refused:
        read_label_map(path)
    assert str(path) in str(refused.value)


def test_slices_on_another_axis_are_refused(tmp_path):
    path = save(tmp_path / "labels.nii.gz", heart().transpose(0, 2, 1), np.diag([2.0, 10.0, 2.0, 1.0]))
    with pytest.raises(CmrtfError, match="expected slices along the third axis"):
        read_label_map(path)


def test_what_prepare_warns_of_is_logged(tmp_path, caplog):
    path = save(tmp_path / "labels.nii.gz", heart() * (heart() != 3))
    with caplog.at_level(logging.WARNING, "cmrtf"):
        read_label_map(path)
    assert f"{path}: expected a label of RV. Received: none" in caplog.text


def test_labels_in_another_order_are_read_by_their_values(tmp_path):
    own, acdc = save(tmp_path / "own.nii.gz", heart()), save(tmp_path / "acdc.nii.gz", ACDC[heart()])
    expected = read_label_map(own).label_ids
    np.testing.assert_array_equal(read_label_map(acdc, ACDC_VALUES).label_ids, expected)
    with pytest.raises(CmrtfError, match=r"expected LV \(3\) within myocardium \(2\)"):
        read_label_map(own, ACDC_VALUES)


def test_labelled_frames_of_a_cine_share_their_voxels(tmp_path):
    (file,) = read_label_maps(save(tmp_path / "cine.nii.gz", cine(0, 4)))
    assert file.name == "cine"
    assert list(file.stacks) == ["frame00", "frame04"]
    first, last = file.stacks.values()
    np.testing.assert_array_equal(first.label_ids, last.label_ids)
    assert first.geometry is last.geometry


def test_a_cine_without_labels_is_no_heart(tmp_path):
    with pytest.raises(CmrtfError, match="Received: an empty mask"):
        read_label_maps(save(tmp_path / "cine.nii.gz", cine()))


def test_files_of_a_folder_are_named_below_it(tmp_path):
    (tmp_path / "one").mkdir()
    save(tmp_path / "b.nii", heart())
    save(tmp_path / "one" / "a.nii.gz", heart())
    (tmp_path / "notes.txt").write_text("none")
    files = read_label_maps(tmp_path)
    assert [(file.name, list(file.stacks)) for file in files] == [("b", [""]), ("one/a", [""])]
    with pytest.raises(CmrtfError, match=r"expected a 3D label file, for one image. Received: a folder"):
        read_label_map(tmp_path)


@pytest.mark.parametrize(
    ("names", "image"),
    [
        (("a.nii", "a.nii.gz"), "a"),
        (("A.nii", "A.NII.GZ"), "A"),
        (("a.nii.gz", "a_frame04.nii.gz"), "a_frame04"),
    ],
)
def test_two_files_that_would_have_one_image_are_refused(tmp_path, names, image):
    for name, labels in zip(names, (cine(0, 4) if "frame" in image else heart(), heart()), strict=True):
        save(tmp_path / name.replace("NII.GZ", "nii.gz"), labels).rename(tmp_path / name)
    with pytest.raises(
        CmrtfError, match=rf"one whose image would be {image}\.nii\.gz, as that of .*(nii|NII)"
    ):
        read_label_maps(tmp_path)


def test_files_of_a_folder_that_are_no_volumes_are_named(tmp_path, caplog):
    save(tmp_path / "a.nii.gz", heart()).rename(tmp_path / "a.NII.GZ")
    (tmp_path / "b.nrrd").write_text("none")
    assert [file.name for file in read_label_maps(tmp_path)] == ["a"]
    assert "Left out: b.nrrd." in caplog.text


def test_all_files_that_cannot_be_used_are_named(tmp_path):
    for name, labels in {"a": heart(), "b": heart() * 7, "c": ACDC[heart()]}.items():
        save(tmp_path / f"{name}.nii.gz", labels)
    with pytest.raises(CmrtfError, match=r"^2 of 3 label files cannot be used:") as refused:
        read_label_maps(tmp_path)
    names = "b.nii.gz: expected label values", "c.nii.gz: expected LV"
    assert all(name in str(refused.value) for name in names)


def test_a_folder_without_label_files_is_refused(tmp_path):
    with pytest.raises(CmrtfError, match=r"expected label files, .* Received: a folder without any"):
        read_label_maps(tmp_path)
