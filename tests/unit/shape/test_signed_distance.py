import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cmrtf.core.labels import SCHEMA
from cmrtf.shape.signed_distance import (
    LIMIT_PX,
    add_residuals,
    fill_gaps,
    residuals,
    shape_based_interpolation,
    signed_distances,
)

slices = arrays(np.uint8, (7, 8), elements=st.integers(0, 3))


def disc(radius, label_id=1, centre=(20, 20)):
    rows, columns = np.indices((40, 40))
    return np.where(np.hypot(rows - centre[0], columns - centre[1]) <= radius, label_id, 0)


def radii_of_discs(label_ids):
    return np.sqrt(np.count_nonzero(label_ids, axis=(1, 2)) / np.pi)


def test_signed_distances_of_a_line_are_to_the_contour_between_pixels():
    distances = signed_distances(np.array([[0, 0, 1, 1, 1]]))[:, 0]
    assert distances[0].tolist() == [1.5, 0.5, -0.5, -1.5, -2.5]
    assert distances[1].tolist() == [-1.5, -0.5, 0.5, 1.5, 2.5]


def test_signed_distances_of_absent_and_of_filling_classes_are_at_the_limit():
    background, lv, myo, rv = signed_distances(np.ones((1, 1), int))[:, 0, 0]
    assert (background, lv, myo, rv) == (-LIMIT_PX, LIMIT_PX, -LIMIT_PX, -LIMIT_PX)


def test_signed_distances_stop_at_the_limit_asked_for():
    line = np.repeat([[0, 1]], 10, axis=1)
    assert np.abs(signed_distances(line, limit_px=3.0)).max() == 3.0
    nearby = np.abs(signed_distances(line)) <= 3.0
    np.testing.assert_array_equal(
        signed_distances(line, limit_px=3.0)[nearby], signed_distances(line)[nearby]
    )


@given(slices)
def test_signed_distances_are_positive_in_a_pixels_own_class_only(label_ids):
    distances = signed_distances(label_ids)
    assert len(distances) == SCHEMA.num_classes
    np.testing.assert_array_equal(distances > 0, label_ids == np.arange(4)[:, None, None])
    assert np.abs(distances).min() >= 0.5
    assert np.abs(distances).max() <= LIMIT_PX


@given(slices, slices)
def test_interpolation_passes_through_both_slices(first, second):
    interpolated = shape_based_interpolation(first, second, [0.0, 1.0])
    np.testing.assert_array_equal(interpolated, [first, second])


@given(slices)
def test_interpolation_between_equal_slices_changes_nothing(label_ids):
    interpolated = shape_based_interpolation(label_ids, label_ids, [0.2, 0.7])
    np.testing.assert_array_equal(interpolated, [label_ids, label_ids])


def test_interpolation_between_discs_interpolates_their_radii():
    interpolated = shape_based_interpolation(disc(4), disc(10), [0.25, 0.5, 0.75])
    np.testing.assert_allclose(radii_of_discs(interpolated), [5.5, 7.0, 8.5], atol=0.3)


def test_a_structure_shrinks_towards_a_slice_without_it():
    empty = np.zeros((40, 40), int)
    interpolated = shape_based_interpolation(disc(8, label_id=3), empty, list(np.linspace(0, 1, 11)))
    areas = np.count_nonzero(interpolated == 3, axis=(1, 2))
    assert np.all(np.diff(areas) <= 0)
    assert 0 < areas[2] < areas[0]
    assert areas[-1] == 0
    assert not np.any((interpolated == 1) | (interpolated == 2)), "absent from both slices"


@given(arrays(np.uint8, (2, 2, 7, 8), elements=st.integers(0, 3)))
def test_residuals_bring_back_the_true_slices(pairs):
    true, decoded = pairs
    missed = residuals(true, decoded)
    assert missed.shape == (2, SCHEMA.num_classes * 7 * 8)
    np.testing.assert_array_equal(add_residuals(decoded, missed), true)


@given(slices, slices)
def test_residuals_of_equal_slices_are_0_and_change_nothing(ends, between):
    missed = residuals(ends[None], ends[None])
    assert not missed.any()
    np.testing.assert_array_equal(add_residuals(between[None], missed), between[None])


def test_residuals_fade_along_an_interpolation():
    """A decoder that draws every disc 2 pixels too small at the first end and as it is at the second."""
    true, decoded = np.stack([disc(8), disc(8)]), np.stack([disc(6), disc(8)])
    half_way = residuals(true, decoded).mean(axis=0, keepdims=True)
    assert radii_of_discs(add_residuals(np.stack([disc(7)]), half_way)) == pytest.approx(8.0, abs=0.3)


def test_gaps_are_filled_from_the_slices_beside_them():
    stack = np.stack([disc(0) * 0, disc(6), disc(0) * 0, disc(0) * 0, disc(12), disc(0) * 0]).astype(np.uint8)
    filled = fill_gaps(stack)
    np.testing.assert_allclose(radii_of_discs(filled)[1:5], [6, 8, 10, 12], atol=0.5)
    np.testing.assert_array_equal(filled[[0, 1, 4, 5]], stack[[0, 1, 4, 5]])


def test_a_stack_without_gaps_stays_as_it_is():
    whole = np.stack([disc(0) * 0, disc(6), disc(7)]).astype(np.uint8)
    assert fill_gaps(whole) is whole
    empty = np.zeros((3, 4, 4), np.uint8)
    assert fill_gaps(empty) is empty
