from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from cmrtf.core.geometry import Geometry
from cmrtf.core.stack import CENTRE_TO_CENTRE, SLICE_SUMMATION, Stack
from cmrtf.errors import CmrtfError

LV, MYO = 1, 2


def stack_of(counts, slices, affine):
    """`counts[label]` pixels of each label in every slice of 10 by 10."""
    labels = np.zeros((slices, 10, 10), np.uint8)
    flat = labels.reshape(slices, -1)
    start = 0
    for label, count in counts.items():
        flat[:, start : start + count] = label
        start += count
    return Stack(np.zeros(labels.shape, np.float32), labels, Geometry.of(affine, labels.shape[::-1]))


def test_volume_is_voxels_times_voxel_volume():
    stack = stack_of({LV: 20, MYO: 10}, 5, np.diag([2.0, 2.0, 10.0, 1.0]))
    assert stack.volume_ml("LV") == pytest.approx(20 * 5 * 0.040)
    assert stack.volume_ml("RV") == 0.0


def test_an_oblique_sheared_affine_measures_by_its_determinant():
    turn = np.array([[0.6, -0.8, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 1.0]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.array([[2.0, 0.0, 3.0], [0.0, 2.0, 0.0], [0.0, 0.0, 10.0]])
    stack = stack_of({LV: 20}, 5, affine)
    assert stack.volume_ml("LV") == pytest.approx(20 * 5 * 0.040)
    assert stack.areas_mm2("LV") == pytest.approx([80.0] * 5)


def test_only_centre_to_centre_compares_a_source_with_its_synthetic_version():
    source = stack_of({LV: 20}, 10, np.diag([1.5, 1.5, 10.0, 1.0]))
    synthetic = stack_of({LV: 20}, 32, np.diag([1.5, 1.5, 90 / 31, 1.0]))
    area_cm2 = 20 * 0.0225
    assert source.volume_ml("LV", CENTRE_TO_CENTRE) == pytest.approx(area_cm2 * 9.0)
    assert synthetic.volume_ml("LV", CENTRE_TO_CENTRE) == pytest.approx(area_cm2 * 9.0)
    assert source.volume_ml("LV", SLICE_SUMMATION) == pytest.approx(area_cm2 * 10.0)
    assert synthetic.volume_ml("LV") == pytest.approx(area_cm2 * 90 / 31 * 3.2)


def test_spacing_is_that_of_the_affine():
    stack = stack_of({LV: 20}, 8, np.diag([-1.5, -1.4, 30 / 7, 1.0]))
    assert stack.spacing_mm == pytest.approx((1.5, 1.4, 30 / 7))
    assert stack.slice_spacing_mm == stack.spacing_mm[2]
    assert stack.num_slices == 8
    assert stack.affine.dtype == np.float64


def test_slices_with_a_label_have_a_heart():
    stack = stack_of({MYO: 1}, 4, np.eye(4))
    stack.label_ids[[0, 3]] = 0
    assert stack.has_heart.tolist() == [False, True, True, False]


def test_stacks_of_one_place_and_shape_lie_on_each_other():
    affine = np.diag([2.0, 2.0, 10.0, 1.0])
    stack = stack_of({LV: 20}, 5, affine)
    assert stack.lies_on(stack_of({MYO: 3}, 5, affine))
    assert not stack.lies_on(stack_of({LV: 20}, 6, affine))
    assert not stack.lies_on(stack_of({LV: 20}, 5, np.diag([2.0, 2.0, 9.0, 1.0])))


def test_other_labels_keep_image_and_place():
    stack = stack_of({LV: 20}, 4, np.eye(4))
    other = stack.with_labels(np.zeros_like(stack.label_ids))
    assert other.volume_ml("LV") == 0.0
    assert stack.volume_ml("LV") > 0.0
    assert (other.image is stack.image, other.geometry is stack.geometry) == (True, True)


@pytest.mark.parametrize(("window", "expected"), [(None, (-1.0, 1.0)), ((5.0, 9.0), (5.0, 9.0))])
def test_another_image_keeps_labels_and_may_have_its_own_window(window, expected):
    stack = stack_of({LV: 20}, 4, np.eye(4))
    other = stack.with_image(stack.image + 0.5, window)
    assert other.intensity_window == expected
    assert other.label_ids is stack.label_ids
    assert other.image.mean() == pytest.approx(0.5)


def test_save_writes_the_image_in_the_units_and_the_place_of_the_source(tmp_path):
    stack = stack_of({LV: 20}, 4, np.diag([1.5, 1.5, 10.0, 1.0]))
    stack.with_image(stack.image + 0.5, (0.0, 100.0)).save(str(tmp_path / "image.nii.gz"))
    image = nib.load(tmp_path / "image.nii.gz")
    np.testing.assert_allclose(image.get_fdata(), 75.0)
    np.testing.assert_allclose(image.affine, stack.affine)


def test_save_on_source_refuses_a_stack_of_other_slices(tmp_path):
    geometry = stack_of({LV: 20}, 4, np.eye(4)).geometry.with_slices(7)
    interpolated = Stack(np.zeros((7, 10, 10), np.float32), np.zeros((7, 10, 10), np.uint8), geometry)
    with pytest.raises(CmrtfError, match=r"image\.nii.*its source, 4.*Received: 7 slices"):
        interpolated.save_on_source(tmp_path / "image.nii")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_an_error_for_the_user(tmp_path):
    stack = stack_of({LV: 20}, 4, np.eye(4))
    for save in (stack.save, stack.save_on_source):
        with pytest.raises(CmrtfError, match=r"absent.*expected its folder to exist"):
            save(tmp_path / "absent" / "image.nii.gz")


def test_a_structure_and_a_method_must_be_known():
    stack = stack_of({LV: 20}, 4, np.eye(4))
    with pytest.raises(CmrtfError, match=r"expected one of background, LV, .*Received: 'lv'"):
        stack.volume_ml("lv")
    with pytest.raises(CmrtfError, match=r"method: expected slice_summation or .*Received: 'xyz'"):
        stack.volume_ml("LV", "xyz")


def test_a_stack_says_its_size_and_no_voxels():
    assert (
        repr(stack_of({LV: 20}, 4, np.diag([1.5, 1.5, 8.0, 1.0])))
        == "Stack(4 slices of 10 x 10, 1.5 x 1.5 x 8 mm)"
    )


def test_an_image_is_saved_as_nifti_only(tmp_path):
    with pytest.raises(CmrtfError, match=r"image\.png: expected a name that ends in \.nii"):
        stack_of({LV: 20}, 4, np.eye(4)).save(tmp_path / "image.png")


def test_an_image_that_is_there_is_not_overwritten(tmp_path):
    path = tmp_path / "image.nii"
    path.write_text("mine")
    stack = stack_of({LV: 20}, 4, np.eye(4))
    for save in (stack.save, stack.save_on_source):
        with pytest.raises(CmrtfError, match=r"image\.nii"):
            save(path)
    assert path.read_text() == "mine"


@pytest.mark.parametrize("shape", [(2, 10, 10), (3, 9, 10), (3, 10), (3, 10, 10, 1)])
def test_image_and_labels_have_the_shape_of_the_stack(shape):
    stack = stack_of({LV: 20}, 3, np.eye(4))
    refused = r"expected an image and labels of the stack's shape \(3, 10, 10\).* Received: "
    with pytest.raises(CmrtfError, match=refused):
        stack.with_labels(np.zeros(shape, np.uint8))
    with pytest.raises(CmrtfError, match=refused):
        stack.with_image(np.zeros(shape, np.float32))
    with pytest.raises(CmrtfError, match=r"shape \(4, 10, 10\)"):
        Stack(stack.image, stack.label_ids, Geometry.of(np.eye(4), (10, 10, 4)))


@pytest.mark.parametrize("labels", [np.full((3, 10, 10), value) for value in (0.3, 4, 257, -255)])
def test_labels_are_ids_of_structures(labels):
    with pytest.raises(CmrtfError, match=r"expected labels of whole numbers from 0 to 3\. Received: "):
        stack_of({LV: 20}, 3, np.eye(4)).with_labels(labels)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1j])
def test_an_image_is_of_finite_numbers(value):
    with pytest.raises(CmrtfError, match=r"expected an image of finite numbers\. Received: "):
        stack_of({LV: 20}, 3, np.eye(4)).with_image(np.full((3, 10, 10), value))


@pytest.mark.parametrize("window", [(np.nan, 1), (1, 0), (1, 1), (0, np.inf), "x", 3, (1,)])
def test_a_window_is_two_numbers_the_lower_first(window):
    stack = stack_of({LV: 20}, 3, np.eye(4))
    with pytest.raises(CmrtfError, match=r"expected an intensity window of two finite numbers.* Received: "):
        stack.with_image(stack.image, window)


def test_what_is_given_as_lists_is_kept_as_arrays():
    stack = stack_of({LV: 20}, 3, np.eye(4))
    labelled = stack.with_labels(stack.label_ids.astype(int).tolist())
    pictured = stack.with_image(np.zeros((3, 10, 10), int).tolist(), [0, 9])
    np.testing.assert_array_equal(labelled.label_ids, stack.label_ids)
    assert (labelled.label_ids.dtype, pictured.image.dtype) == (np.uint8, np.float32)
    assert pictured.intensity_window == (0.0, 9.0)


def test_arrays_are_kept_and_not_copied():
    stack = stack_of({LV: 20}, 3, np.eye(4))
    again = Stack(stack.image, stack.label_ids, stack.geometry)
    assert (again.image is stack.image, again.label_ids is stack.label_ids) == (True, True)


def test_a_raw_image_stays_in_the_type_of_its_source():
    stack = stack_of({LV: 20}, 3, np.eye(4))
    assert replace(stack, image=stack.image.astype(np.int16)).image.dtype == np.int16


@pytest.mark.parametrize("values", [7, -1, 0.5, True, "1", None])
def test_no_stack_has_labels_that_are_no_ids(values):
    stack = stack_of({LV: 20}, 3, np.eye(4))
    with pytest.raises(CmrtfError, match=r"expected labels of whole numbers from 0 to 3\. Received: "):
        replace(stack, label_ids=np.full((3, 10, 10), values))


@pytest.mark.parametrize("values", [np.nan, -np.inf, 1j, "1", None, True])
def test_no_stack_has_an_image_of_what_is_no_number(values):
    stack = stack_of({LV: 20}, 3, np.eye(4))
    with pytest.raises(CmrtfError, match=r"expected an image of finite numbers\. Received: "):
        replace(stack, image=np.full((3, 10, 10), values))


def test_an_image_of_lists_of_different_lengths_is_none():
    with pytest.raises(CmrtfError, match=r"expected an image of finite numbers\. Received: "):
        stack_of({LV: 20}, 3, np.eye(4)).with_image([[1.0], [1.0, 2.0]])


def test_numbers_that_are_infinite_in_float32_are_refused():
    with pytest.raises(CmrtfError, match=r"expected an image of finite numbers\. Received: "):
        stack_of({LV: 20}, 3, np.eye(4)).with_image(np.full((3, 10, 10), 1e300))


@pytest.mark.parametrize("window", [(np.nan, 1), (1, 0), (0, 1, 2), (True, False), "x", None, ("0", "1")])
def test_no_stack_has_a_window_that_is_none(window):
    with pytest.raises(CmrtfError, match=r"expected an intensity window of two finite numbers.* Received: "):
        replace(stack_of({LV: 20}, 3, np.eye(4)), intensity_window=window)


@pytest.mark.parametrize(
    "unknown",
    [np.zeros((2, 4), bool), np.zeros((3, 3), bool), np.zeros((3, 4)), [True] * 3, "x", False],
    ids=["slices", "classes", "numbers", "one axis", "text", "one"],
)
def test_unknown_is_said_of_each_slice_and_structure(unknown):
    with pytest.raises(CmrtfError, match=r"unknown: expected None, .* shape \(3, 4\).* Received: "):
        replace(stack_of({LV: 20}, 3, np.eye(4)), unknown=unknown)


def test_a_stack_lies_somewhere():
    with pytest.raises(CmrtfError, match=r"expected a stack's geometry, a Geometry\. Received: None"):
        replace(stack_of({LV: 20}, 3, np.eye(4)), geometry=None)
