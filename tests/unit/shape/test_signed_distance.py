import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cmrtf.shape.signed_distance import (
    LIMIT_PIXELS,
    add_residuals,
    nearest,
    residuals,
    shape_based,
    signed_distances,
)

slices = arrays(np.uint8, (7, 8), elements=st.integers(0, 3))


def disc(radius, label_id=1, centre=(20, 20)):
    rows, columns = np.indices((40, 40))
    return np.where(np.hypot(rows - centre[0], columns - centre[1]) <= radius, label_id, 0)


def test_nearest():
    first, second = np.zeros((2, 2)), np.ones((2, 2))
    assert nearest(first, second, [0.0, 0.49, 0.5, 1.0])[:, 0, 0].tolist() == [0, 0, 1, 1]


def test_signed_distances_of_a_line():
    distances = signed_distances(np.array([[0, 0, 1, 1, 1]]), num_classes=3)[:, 0]
    assert distances[0].tolist() == [1.5, 0.5, -0.5, -1.5, -2.5]
    assert distances[1].tolist() == [-1.5, -0.5, 0.5, 1.5, 2.5]
    assert distances[2].tolist() == [-LIMIT_PIXELS] * 5
    absent, everywhere = signed_distances(np.ones((1, 1), int), num_classes=2)
    assert (absent, everywhere) == (-LIMIT_PIXELS, LIMIT_PIXELS)


@given(slices)
def test_a_pixel_is_inside_its_own_class_only(label_ids):
    distances = signed_distances(label_ids, num_classes=4)
    np.testing.assert_array_equal(distances > 0, label_ids == np.arange(4)[:, None, None])
    assert np.abs(distances).min() >= 0.5
    assert np.abs(distances).max() <= LIMIT_PIXELS


@given(slices, slices)
def test_shape_based_passes_through_both_slices(first, second):
    walk = shape_based(first, second, [0.0, 1.0], num_classes=4)
    np.testing.assert_array_equal(walk, [first, second])


@given(slices)
def test_shape_based_between_equal_slices_stays(label_ids):
    walk = shape_based(label_ids, label_ids, [0.2, 0.7], num_classes=4)
    np.testing.assert_array_equal(walk, [label_ids, label_ids])


def test_radii_of_discs_are_interpolated():
    walk = shape_based(disc(4), disc(10), [0.25, 0.5, 0.75], num_classes=2)
    radii = np.sqrt(np.count_nonzero(walk, axis=(1, 2)) / np.pi)
    np.testing.assert_allclose(radii, [5.5, 7.0, 8.5], atol=0.3)


def test_a_structure_shrinks_towards_a_slice_without_it():
    empty = np.zeros((40, 40), int)
    walk = shape_based(disc(8, label_id=3), empty, np.linspace(0, 1, 11), num_classes=4)
    areas = np.count_nonzero(walk == 3, axis=(1, 2))
    assert np.all(np.diff(areas) <= 0)
    assert 0 < areas[2] < areas[0]
    assert areas[-1] == 0
    assert not np.any((walk == 1) | (walk == 2)), "what is absent from both stays absent"


@given(arrays(np.uint8, (2, 2, 7, 8), elements=st.integers(0, 3)))
def test_residuals_bring_back_the_true_slices(pairs):
    true, decoded = pairs
    back = add_residuals(decoded, residuals(true, decoded, num_classes=4), num_classes=4)
    np.testing.assert_array_equal(back, true)


@given(slices, slices)
def test_where_nothing_is_missed_nothing_changes(ends, walk):
    none = residuals(ends[None], ends[None], num_classes=4)
    assert not none.any()
    np.testing.assert_array_equal(add_residuals(walk[None], none, num_classes=4), walk[None])


def test_the_correction_fades_along_a_walk():
    """A decoder that draws every disc 2 pixels too small at the first end and as it is at the second."""
    true, decoded = np.stack([disc(8), disc(8)]), np.stack([disc(6), disc(8)])
    half_way = residuals(true, decoded, num_classes=2).mean(axis=0, keepdims=True)
    walk = add_residuals(np.stack([disc(7)]), half_way, num_classes=2)
    assert np.sqrt(np.count_nonzero(walk) / np.pi) == pytest.approx(8.0, abs=0.3)
