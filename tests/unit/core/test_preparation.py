from pathlib import Path

import numpy as np
import pytest

from cmrtf.core.preparation import SIZE, SPACING_MM, prepare_subject, restore_intensity, to_nifti_order
from cmrtf.datasets.base import RawVolume
from cmrtf.errors import CmrtfError

STRAIGHT = np.diag([3.0, 3.0, 10.0, 1.0])
OBLIQUE_LEFT_HANDED = np.array(
    [[-1.9, 1.9, 3.1, -40.0], [1.7, 1.3, 2.4, 12.0], [0.9, -1.9, 8.6, 70.0], [0, 0, 0, 1.0]]
)
NOT_ORTHOGONAL = OBLIQUE_LEFT_HANDED + np.array(
    [[0, 0.4, 0, 0], [0, 0, 0.9, 0], [0.2, 0, 0, 0], [0, 0, 0, 0]]
)


@pytest.fixture
def subject(heart, to_image):
    def make(affine=STRAIGHT, **options):
        ed, es = (heart(**{"scale": scale} | options) for scale in (1.0, 0.8))
        return {p: RawVolume(to_image(x), x, affine, Path("a.nii.gz")) for p, x in (("ED", ed), ("ES", es))}

    return make


def _centroid_mm(mask, affine):
    return (affine @ [*np.argwhere(mask).mean(axis=0), 1])[:3]


def _weighted_centroid_mm(volume, affine):
    return (affine @ [*(np.average(axis, weights=volume) for axis in np.indices(volume.shape)), 1])[:3]


def test_shapes_types_and_ranges(subject):
    prepared = prepare_subject(subject())
    for volume in prepared.volumes.values():
        assert volume.image.shape == volume.label_ids.shape == (6, SIZE, SIZE)
        assert (volume.image.dtype, volume.label_ids.dtype) == (np.float32, np.uint8)
        assert (volume.image.min(), volume.image.max()) == (-1, 1)
        assert set(np.unique(volume.label_ids)) == {0, 1, 2, 3}


@pytest.mark.parametrize("affine", [STRAIGHT, OBLIQUE_LEFT_HANDED, NOT_ORTHOGONAL])
@pytest.mark.parametrize("apex_first", [True, False])
def test_structures_stay_where_they_are_in_the_scanner(subject, affine, apex_first):
    raw = subject(affine, apex_first=apex_first)
    prepared = prepare_subject(raw)
    geometry = prepared.geometry
    assert prepared.stack_flipped is not apex_first
    assert geometry.spacing_mm[:2] == pytest.approx((SPACING_MM, SPACING_MM))
    for phase, volume in prepared.volumes.items():
        for label in (1, 2, 3):
            before, after = raw[phase].label_ids == label, to_nifti_order(volume.label_ids) == label
            shift = _centroid_mm(after, geometry.affine) - _centroid_mm(before, affine)
            assert np.linalg.norm(shift) < 0.4  # a seventh of a source pixel: structures are ragged discs
            before_ml = before.sum() * abs(np.linalg.det(affine[:3, :3])) / 1000
            assert after.sum() * geometry.voxel_volume_ml == pytest.approx(before_ml, rel=0.03)


@pytest.mark.parametrize("affine", [STRAIGHT, OBLIQUE_LEFT_HANDED, NOT_ORTHOGONAL])
def test_a_blob_stays_where_it_is_to_a_tenth_of_a_millimetre(subject, affine):
    raw = subject(affine, apex_first=False)
    x, y, z = np.indices(raw["ED"].image.shape)
    blob = 1000 * np.exp(-((x - 21.3) ** 2 + (y - 18.6) ** 2) / 18 - (z - 2.2) ** 2 / 2)
    prepared = prepare_subject({"ED": RawVolume(blob, raw["ED"].label_ids, affine, Path("a.nii.gz"))})
    low, high = prepared.intensity_window["ED"]
    before = np.clip(blob, low, high) - low
    after = to_nifti_order(prepared.volumes["ED"].image.astype(np.float64)) + 1
    shift_mm = _weighted_centroid_mm(after, prepared.geometry.affine) - _weighted_centroid_mm(before, affine)
    assert np.linalg.norm(shift_mm) < 0.1


@pytest.mark.parametrize("pixel_mm", [0.75, 1.0, 1.2, 1.5625, 1.8, 3.0])
def test_volumes_stay_the_same_at_any_pixel_size(heart, to_image, pixel_mm):
    # 1.0 and 3.0 mm put pixels of 1.5 mm midway between two of the source, unless care is taken.
    size = int(144 / pixel_mm)
    affine = np.diag([pixel_mm, pixel_mm, 10.0, 1.0])
    label_ids = heart((size, size, 6), (pixel_mm, pixel_mm, 10.0))
    volume = RawVolume(to_image(label_ids), label_ids, affine, Path("a.nii.gz"))
    prepared = prepare_subject({"ED": volume})
    after = to_nifti_order(prepared.volumes["ED"].label_ids)
    for label in (1, 2, 3):
        before_ml = np.count_nonzero(label_ids == label) * pixel_mm**2 * 10 / 1000
        after_ml = np.count_nonzero(after == label) * prepared.geometry.voxel_volume_ml
        assert after_ml == pytest.approx(before_ml, rel=0.025)


def test_a_landmark_keeps_its_world_coordinates_and_its_value(subject):
    raw = subject(OBLIQUE_LEFT_HANDED, apex_first=False)
    label_ids = raw["ED"].label_ids
    prepared = prepare_subject(raw)
    to_source = prepared.geometry.to_source
    stack = to_nifti_order(prepared.volumes["ED"].label_ids)
    for voxel in ([60, 64, 2], [90, 70, 5], [64, 64, 0]):
        source = np.rint((to_source @ [*voxel, 1])[:3]).astype(int)
        world = np.linalg.inv(OBLIQUE_LEFT_HANDED) @ prepared.geometry.affine @ [*voxel, 1]
        np.testing.assert_allclose(world, to_source @ [*voxel, 1], atol=1e-9)
        assert stack[tuple(voxel)] == label_ids[tuple(source)]


def test_all_slices_are_kept_and_the_empty_one_comes_first(subject):
    for apex_first in (True, False):
        label_ids = prepare_subject(subject(apex_first=apex_first)).volumes["ED"].label_ids
        assert [bool(x.any()) for x in label_ids] == [False, True, True, True, True, True]


def test_the_heart_of_both_phases_is_centred(subject):
    prepared = prepare_subject(subject())
    heart = np.any([volume.label_ids.any(axis=0) for volume in prepared.volumes.values()], axis=0)
    for axis in (0, 1):
        filled = np.flatnonzero(heart.any(axis=1 - axis))
        assert (filled[0] + filled[-1]) / 2 == pytest.approx(SIZE // 2, abs=1.5)


def test_a_source_of_the_right_spacing_is_copied(heart, to_image):
    label_ids = heart((150, 140, 6), (1.5, 1.5, 10.0))
    affine = np.diag([1.5, 1.5, 10, 1])
    volume = RawVolume(to_image(label_ids), label_ids, affine, Path("a.nii.gz"))
    prepared = prepare_subject({"ED": volume})
    x, y = np.rint(prepared.geometry.to_source[:2, 3]).astype(int)
    window = (slice(x, x + SIZE), slice(y, y + SIZE))
    np.testing.assert_array_equal(to_nifti_order(prepared.volumes["ED"].label_ids), label_ids[window])
    low, high = prepared.intensity_window["ED"]
    restored = to_nifti_order(restore_intensity(prepared.volumes["ED"].image, (low, high)))
    np.testing.assert_allclose(restored, np.clip(volume.image[window], low, high), atol=1e-2)
    assert (low, high) == pytest.approx(np.percentile(volume.image[window], [1, 99]), rel=1e-5)


def test_outside_the_source_is_dark_and_does_not_count(subject):
    raw = subject()  # 120 x 132 mm, less than the crop of 192 mm
    bright = {p: RawVolume(v.image + 1000, v.label_ids, v.affine, v.source) for p, v in raw.items()}
    prepared = prepare_subject(bright)
    assert prepared.intensity_window["ED"][0] > 1000
    assert (prepared.volumes["ED"].image[:, :10, :10] == -1).all()


def test_normalisation_ignores_scale_and_offset(subject):
    raw = subject()
    scaled = {p: RawVolume(v.image * 0.01 - 7, v.label_ids, v.affine, v.source) for p, v in raw.items()}
    first, second = prepare_subject(raw), prepare_subject(scaled)
    np.testing.assert_allclose(first.volumes["ES"].image, second.volumes["ES"].image, atol=1e-4)


def test_no_contrast_around_the_heart_names_the_file(heart):
    label_ids = heart()
    image = np.zeros(label_ids.shape)
    image[20, 20, 3] = 1
    with pytest.raises(CmrtfError, match=r"a\.nii\.gz: expected contrast around the heart"):
        prepare_subject({"ED": RawVolume(image, label_ids, STRAIGHT, Path("a.nii.gz"))})
