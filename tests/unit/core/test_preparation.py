from pathlib import Path

import numpy as np
import pytest

from cmrtf.core.geometry import Geometry
from cmrtf.core.preparation import (
    SIZE,
    SPACING_MM,
    crop_geometry,
    is_base_first,
    is_cut,
    place_on_source,
    restore_intensity,
    to_nifti_order,
)
from cmrtf.core.stack import Stack
from cmrtf.core.stack_files import image_on_file
from cmrtf.errors import CmrtfError
from cmrtf.quality.checked_subject import prepare_stack
from raw_data import heart, image_of

STRAIGHT = np.diag([3.0, 3.0, 10.0, 1.0])
OBLIQUE_LEFT_HANDED = np.array(
    [[-1.9, 1.9, 3.1, -40.0], [1.7, 1.3, 2.4, 12.0], [0.9, -1.9, 8.6, 70.0], [0, 0, 0, 1.0]]
)
NOT_ORTHOGONAL = OBLIQUE_LEFT_HANDED + np.array(
    [[0, 0.4, 0, 0], [0, 0, 0.9, 0], [0.2, 0, 0, 0], [0, 0, 0, 0]]
)


def _raw(label_ids, affine=STRAIGHT, image=None):
    """A raw stack of `(x, y, z)` arrays."""
    image = image_of(label_ids) if image is None else image
    return Stack(to_nifti_order(image), to_nifti_order(label_ids), Geometry.of(affine, label_ids.shape))


def _subject(affine=STRAIGHT, apex_first=True):
    """Raw stacks of both phases."""
    hearts = {"ED": heart(apex_first=apex_first), "ES": heart(apex_first=apex_first, scale=0.8)}
    return {phase: _raw(label_ids, affine) for phase, label_ids in hearts.items()}


def _prepare(raw, apex_first=True):
    """Prepared stacks of raw ones."""
    heart_mask = to_nifti_order(np.any([stack.label_ids > 0 for stack in raw.values()], axis=0))
    geometry = crop_geometry(heart_mask, next(iter(raw.values())).affine, stack_flipped=not apex_first)
    return {phase: prepare_stack(stack, geometry, Path("a.nii.gz")) for phase, stack in raw.items()}


def _centroid_mm(mask, affine):
    return (affine @ [*np.argwhere(mask).mean(axis=0), 1])[:3]


def _weighted_centroid_mm(volume, affine):
    return (affine @ [*(np.average(axis, weights=volume) for axis in np.indices(volume.shape)), 1])[:3]


def test_shapes_types_and_ranges():
    for stack in _prepare(_subject()).values():
        assert stack.image.shape == stack.label_ids.shape == (6, SIZE, SIZE)
        assert (stack.image.dtype, stack.label_ids.dtype) == (np.float32, np.uint8)
        assert (stack.image.min(), stack.image.max()) == (-1, 1)
        assert set(np.unique(stack.label_ids)) == {0, 1, 2, 3}


@pytest.mark.parametrize("affine", [STRAIGHT, OBLIQUE_LEFT_HANDED, NOT_ORTHOGONAL])
@pytest.mark.parametrize("apex_first", [True, False])
def test_structures_stay_where_they_are_in_the_scanner(affine, apex_first):
    raw = _subject(affine, apex_first)
    for phase, stack in _prepare(raw, apex_first).items():
        geometry = stack.geometry
        assert is_base_first(geometry) is not apex_first
        assert stack.spacing_mm[:2] == pytest.approx((SPACING_MM, SPACING_MM))
        for label in (1, 2, 3):
            before, after = (to_nifti_order(each.label_ids) == label for each in (raw[phase], stack))
            shift = _centroid_mm(after, stack.affine) - _centroid_mm(before, affine)
            assert np.linalg.norm(shift) < 0.4  # a seventh of a source pixel: structures are ragged discs
            before_ml = before.sum() * abs(np.linalg.det(affine[:3, :3])) / 1000
            assert after.sum() * geometry.voxel_volume_ml == pytest.approx(before_ml, rel=0.03)


@pytest.mark.parametrize("affine", [STRAIGHT, OBLIQUE_LEFT_HANDED, NOT_ORTHOGONAL])
def test_a_blob_stays_where_it_is_to_a_tenth_of_a_millimetre(affine):
    label_ids = heart(apex_first=False)
    x, y, z = np.indices(label_ids.shape)
    blob = 1000 * np.exp(-((x - 21.3) ** 2 + (y - 18.6) ** 2) / 18 - (z - 2.2) ** 2 / 2)
    stack = _prepare({"ED": _raw(label_ids, affine, blob)}, apex_first=False)["ED"]
    low, high = stack.intensity_window
    before = np.clip(blob, low, high) - low
    after = to_nifti_order(stack.image.astype(np.float64)) + 1
    shift_mm = _weighted_centroid_mm(after, stack.affine) - _weighted_centroid_mm(before, affine)
    assert np.linalg.norm(shift_mm) < 0.1


@pytest.mark.parametrize("pixel_mm", [0.75, 1.0, 1.2, 1.5625, 1.8, 3.0])
def test_volumes_stay_the_same_at_any_pixel_size(pixel_mm):
    # 1.0 and 3.0 mm put pixels of 1.5 mm midway between two of the source, unless care is taken.
    size = int(144 / pixel_mm)
    affine = np.diag([pixel_mm, pixel_mm, 10.0, 1.0])
    label_ids = heart((size, size, 6), (pixel_mm, pixel_mm, 10.0))
    raw = {"ED": _raw(label_ids, affine)}
    stack = _prepare(raw)["ED"]
    for structure in ("LV", "MYO", "RV"):
        assert stack.volume_ml(structure) == pytest.approx(raw["ED"].volume_ml(structure), rel=0.025)


def test_a_landmark_keeps_its_world_coordinates_and_its_value():
    label_ids = heart(apex_first=False)
    prepared = _prepare(_subject(OBLIQUE_LEFT_HANDED, apex_first=False), apex_first=False)["ED"]
    to_source = prepared.geometry.to_source
    stack = to_nifti_order(prepared.label_ids)
    for voxel in ([60, 64, 2], [90, 70, 5], [64, 64, 0]):
        source = np.rint((to_source @ [*voxel, 1])[:3]).astype(int)
        world = np.linalg.inv(OBLIQUE_LEFT_HANDED) @ prepared.affine @ [*voxel, 1]
        np.testing.assert_allclose(world, to_source @ [*voxel, 1], atol=1e-9)
        assert stack[tuple(voxel)] == label_ids[tuple(source)]


def test_all_slices_are_kept_and_the_empty_one_comes_first():
    for apex_first in (True, False):
        stack = _prepare(_subject(apex_first=apex_first), apex_first)["ED"]
        assert stack.has_heart.tolist() == [False, True, True, True, True, True]


def test_the_heart_of_both_phases_is_centred():
    mask = np.any([stack.label_ids.any(axis=0) for stack in _prepare(_subject()).values()], axis=0)
    for axis in (0, 1):
        filled = np.flatnonzero(mask.any(axis=1 - axis))
        assert (filled[0] + filled[-1]) / 2 == pytest.approx(SIZE // 2, abs=1.5)


def test_a_source_of_the_right_spacing_is_copied():
    label_ids = heart((150, 140, 6), (1.5, 1.5, 10.0))
    affine = np.diag([1.5, 1.5, 10, 1])
    stack = _prepare({"ED": _raw(label_ids, affine)})["ED"]
    x, y = np.rint(stack.geometry.to_source[:2, 3]).astype(int)
    crop = (slice(x, x + SIZE), slice(y, y + SIZE))
    image = image_of(label_ids)[crop]
    np.testing.assert_array_equal(to_nifti_order(stack.label_ids), label_ids[crop])
    low, high = stack.intensity_window
    np.testing.assert_allclose(image_on_file(stack), np.clip(image, low, high), atol=1e-2)
    assert (low, high) == pytest.approx(np.percentile(image, [1, 99]), rel=1e-5)


def test_outside_the_source_is_dark_and_does_not_count():
    raw = _subject()  # 120 x 132 mm, less than the crop of 192 mm
    stack = _prepare({"ED": raw["ED"].with_image(raw["ED"].image + 1000)})["ED"]
    assert stack.intensity_window[0] > 1000
    assert (stack.image[:, :10, :10] == -1).all()


def test_normalisation_ignores_scale_and_offset():
    raw = _subject()
    scaled = {phase: stack.with_image(stack.image * 0.01 - 7) for phase, stack in raw.items()}
    np.testing.assert_allclose(_prepare(raw)["ES"].image, _prepare(scaled)["ES"].image, atol=1e-4)


def test_no_contrast_around_the_heart_names_the_file():
    label_ids = heart()
    image = np.zeros(label_ids.shape)
    image[20, 20, 3] = 1
    with pytest.raises(CmrtfError, match=r"a\.nii\.gz: expected contrast around the heart"):
        _prepare({"ED": _raw(label_ids, STRAIGHT, image)})


def test_a_heart_beyond_the_prepared_grid_is_cut():
    mask = np.zeros((200, 40, 3), bool)
    mask[20:180, 10:30] = True
    assert not is_cut(mask, crop_geometry(mask, np.diag([1.0, 1.0, 10.0, 1.0]), stack_flipped=False))
    assert is_cut(mask, crop_geometry(mask, np.diag([1.5, 1.0, 10.0, 1.0]), stack_flipped=False))


def test_intensities_go_back_to_the_units_of_the_source():
    np.testing.assert_allclose(restore_intensity(np.array([-1.0, 0.0, 1.0]), (20.0, 60.0)), [20, 40, 60])


@pytest.mark.parametrize("apex_first", [True, False])
def test_an_image_is_placed_on_its_source_again(apex_first):
    label_ids = heart(apex_first=apex_first)
    smooth = np.indices(label_ids.shape).sum(axis=0) * 10.0
    stack = _prepare({"ED": _raw(label_ids, STRAIGHT, smooth)}, apex_first)["ED"]
    placed = restore_intensity(place_on_source(stack.image, stack.geometry), stack.intensity_window)
    inner = (slice(10, 30), slice(10, 34), slice(1, 5))
    np.testing.assert_allclose(placed[inner], smooth[inner], atol=1.0)
