import json

import numpy as np
import pytest

from cmrtf.core.geometry import Geometry, bounding_box

SHEARED = np.array([[1.2, 0.3, 2.0, -40.0], [-0.3, 1.2, 1.0, 12.0], [0.1, -0.2, 8.0, 70.0], [0, 0, 0, 1.0]])


@pytest.fixture
def geometry():
    prepared_to_source = np.array([[1.25, 0, 0, 7], [0, 1.25, 0, -3], [0, 0, -1, 9], [0, 0, 0, 1.0]])
    return Geometry((200, 220, 10), SHEARED, (128, 128, 10), prepared_to_source)


def test_the_affine_goes_by_way_of_the_source(geometry):
    in_source = [1.25 * 4 + 7, 1.25 * 5 - 3, 9 - 6, 1]
    np.testing.assert_allclose(geometry.affine @ [4, 5, 6, 1], SHEARED @ in_source)


def test_voxel_volume_counts_shear(geometry):
    a, b, c = geometry.affine[:3, :3].T
    assert geometry.voxel_volume_ml == pytest.approx(abs(np.cross(a, b) @ c) / 1000)
    assert geometry.voxel_volume_ml < np.prod(geometry.spacing_mm) / 1000


def test_more_slices_keep_the_first_and_last_slice_in_place(geometry):
    many = geometry.with_slices(32)
    assert many.shape == (128, 128, 32)
    for corner in ([0, 0], [127, 30]):
        np.testing.assert_allclose(many.affine @ [*corner, 0, 1], geometry.affine @ [*corner, 0, 1])
        np.testing.assert_allclose(many.affine @ [*corner, 31, 1], geometry.affine @ [*corner, 9, 1])
    assert many.spacing_mm[2] == pytest.approx(9 * geometry.spacing_mm[2] / 31)
    assert many.spacing_mm[:2] == pytest.approx(geometry.spacing_mm[:2])


def test_json_round_trip(geometry):
    back = Geometry.from_dict(json.loads(json.dumps(geometry.to_dict())))
    assert (back.source_shape, back.shape) == (geometry.source_shape, geometry.shape)
    np.testing.assert_array_equal(back.affine, geometry.affine)


def test_a_box_holds_all_of_a_mask_and_no_more():
    mask = np.zeros((5, 6, 7), bool)
    mask[1, 2, 3] = mask[3, 2, 6] = True
    assert bounding_box(mask) == (slice(1, 4), slice(2, 3), slice(3, 7))
