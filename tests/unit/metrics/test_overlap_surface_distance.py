import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cmrtf.metrics.overlap import surface_distances

SPACING_MM = (10.0, 1.5, 1.5)


def box(*corner_and_size):
    """A block of LV: `(start, stop)` along each axis."""
    label_ids = np.zeros((6, 20, 20), np.uint8)
    label_ids[tuple(slice(*ends) for ends in corner_and_size)] = 1
    return label_ids


def test_equal_labels_are_at_distance_zero():
    lv = box((1, 4), (3, 9), (3, 9))
    distance = surface_distances(lv, lv, SPACING_MM)["LV"]
    assert (distance.hd95_mm, distance.assd_mm) == (0.0, 0.0)


def test_two_single_voxels():
    one, other = box((1, 2), (5, 6), (5, 6)), box((3, 4), (7, 8), (6, 7))
    expected = pytest.approx(np.sqrt(20.0**2 + 3.0**2 + 1.5**2))
    distance = surface_distances(one, other, SPACING_MM)["LV"]
    assert (distance.hd95_mm, distance.assd_mm) == (expected, expected)


def test_a_line_that_is_longer_on_one_side():
    short, long = box((2, 3), (5, 6), (0, 10)), box((2, 3), (5, 6), (0, 20))
    beyond_mm = 1.5 * np.arange(1, 11)
    distance = surface_distances(short, long, SPACING_MM)["LV"]
    assert distance.hd95_mm == pytest.approx(np.percentile([*np.zeros(10), *beyond_mm], 95))
    assert distance.assd_mm == pytest.approx(beyond_mm.sum() / 30)


def test_only_the_surface_counts():
    """Two squares, the outer one grown by a pixel on each side: its rim is a pixel from the inner's rim."""
    inner, outer = np.zeros((2, 11, 11), np.uint8)
    inner[3:8, 3:8] = 1
    outer[2:9, 2:9] = 1
    distance = surface_distances(inner, outer, (1.5, 1.5))["LV"]
    corners_mm, sides_mm = 4 * np.sqrt(2.0) * 1.5, (20 + 16) * 1.5
    assert distance.assd_mm == pytest.approx((corners_mm + sides_mm) / 40)


def test_empty_is_nan():
    lv, nothing = box((1, 4), (3, 9), (3, 9)), np.zeros((6, 20, 20), np.uint8)
    for pair in ((lv, nothing), (nothing, lv), (nothing, nothing)):
        distance = surface_distances(*pair, SPACING_MM)["LV"]
        assert np.isnan(distance.hd95_mm)
        assert np.isnan(distance.assd_mm)


@given(arrays(np.uint8, (2, 3, 5, 5), elements=st.integers(0, 3)))
def test_symmetric(pair):
    there, back = (surface_distances(*ends, SPACING_MM) for ends in (pair, pair[::-1]))
    for structure, distance in there.items():
        np.testing.assert_allclose(distance.hd95_mm, back[structure].hd95_mm)
        np.testing.assert_allclose(distance.assd_mm, back[structure].assd_mm)


@given(arrays(np.bool_, (2, 3, 5, 5)))
def test_against_all_pairs(masks):
    """The crop and the distance transforms, against every pair of surface voxels."""
    if not (masks[0].any() and masks[1].any()):
        return
    surfaces = []
    for mask in masks:
        padded = np.pad(mask, 1)
        inside = np.ones_like(mask)
        for axis in range(3):
            for shift in (-1, 1):
                inside &= np.roll(padded, shift, axis)[1:-1, 1:-1, 1:-1]
        surfaces.append(np.argwhere(mask & ~inside) * SPACING_MM)
    between = np.linalg.norm(surfaces[0][:, None] - surfaces[1], axis=-1)
    directed = [between.min(axis=1), between.min(axis=0)]
    distance = surface_distances(*masks.astype(np.uint8), SPACING_MM)["LV"]
    assert distance.hd95_mm == pytest.approx(max(np.percentile(each, 95) for each in directed))
    assert distance.assd_mm == pytest.approx(np.concatenate(directed).mean())
