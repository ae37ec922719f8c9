import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmrtf.metrics.overlap import dice
from cmrtf.shape.pose import (
    inverse,
    landmarks,
    landmarks_between,
    mean_landmarks,
    move,
    move_fields,
    pose_between,
)


def upright_heart():
    """One slice: a round LV in its wall in the middle of the image, an RV beside it at lower columns."""
    rows, columns = np.indices((1, 128, 128))[1:] - 63.5
    from_lv, from_rv = np.hypot(rows, columns), np.hypot(rows, columns + 20)
    return np.select([from_lv < 14, from_lv < 20, from_rv < 17], [1, 2, 3], 0).astype(np.uint8)


UPRIGHT = upright_heart()

poses = st.builds(
    lambda *pose: np.array(pose), st.floats(-180.0, 180.0), st.floats(-15.0, 15.0), st.floats(-15.0, 15.0)
)
places = st.builds(
    lambda row, column, distance, turn: np.array(
        [[row, column], [row + distance * np.cos(turn), column + distance * np.sin(turn)]]
    ),
    st.floats(-20.0, 20.0),
    st.floats(-20.0, 20.0),
    st.floats(5.0, 40.0),
    st.floats(-np.pi, np.pi),
)


def transform(pose, points):
    """Points `(n, 2)` under a pose, by complex numbers."""
    degrees, rows, columns = pose
    moved = (points @ [1.0, 1.0j]) * np.exp(1j * np.radians(degrees)) + rows + 1j * columns
    return np.stack([moved.real, moved.imag], axis=1)


def boxes(slices, lv_row, rv_row):
    """LV and RV of 3 x 3 pixels in a 21 x 21 image, centred at a row from its middle, 5 columns apart."""
    label_ids = np.zeros((slices, 21, 21), np.uint8)
    label_ids[:, 9 + lv_row : 12 + lv_row, 9:12] = 1
    label_ids[:, 9 + rv_row : 12 + rv_row, 4:7] = 3
    return label_ids


def test_landmarks_are_centres_relative_to_the_middle_of_the_image():
    np.testing.assert_allclose(landmarks(boxes(2, 2, -1)), [[2.0, 0.0], [-1.0, -5.0]], atol=1e-12)


def test_landmarks_come_from_the_middle_half_of_the_slices_with_lv_and_rv():
    middle, outer = boxes(4, 2, -1), boxes(2, 8, 8)
    without_rv = np.where(outer == 3, 0, outer).astype(np.uint8)
    stack = np.concatenate([without_rv, outer, middle, outer, without_rv])
    np.testing.assert_array_equal(landmarks(stack), landmarks(middle))


def test_a_heart_without_a_slice_of_lv_and_rv_has_no_landmarks():
    stack = boxes(2, 0, 0)
    stack[0][stack[0] == 1] = stack[1][stack[1] == 3] = 0
    assert landmarks(stack) is None


@given(poses)
@settings(max_examples=15)
def test_landmarks_move_with_the_heart(pose):
    # Contours run between pixels, so a shift along rows or columns is rounded to whole pixels.
    expected = transform(pose, landmarks(UPRIGHT))
    np.testing.assert_allclose(landmarks(move(UPRIGHT, pose)), expected, atol=0.6)


def test_mean_landmarks_average_lv_centres_and_rv_directions():
    """The direction of the RV is averaged, however far away it is."""
    down = np.array([[2.0, 0.0], [32.0, 0.0]])
    right = np.array([[0.0, 4.0], [0.0, 9.0]])
    np.testing.assert_allclose(mean_landmarks([down, right]), [[1.0, 2.0], [1.5, 2.5]])


@given(places, places)
def test_pose_between_brings_lv_to_lv_and_rv_to_the_same_side(first, second):
    pose = pose_between(first, second)
    assert -180.0 <= pose[0] <= 180.0
    lv, rv = transform(pose, first)
    np.testing.assert_allclose(lv, second[0], atol=1e-9)
    direction = second[1] - second[0]
    np.testing.assert_allclose(
        (rv - lv) / np.linalg.norm(rv - lv), direction / np.linalg.norm(direction), atol=1e-9
    )


@given(poses, places)
def test_inverse_undoes_a_pose(pose, points):
    np.testing.assert_allclose(transform(inverse(pose), transform(pose, points)), points, atol=1e-9)


@pytest.mark.parametrize(
    ("pose", "expected"),
    [
        ((0.0, 0.0, 0.0), UPRIGHT),
        ((0.0, 7.0, -11.0), np.roll(UPRIGHT, (7, -11), (1, 2))),
        ((90.0, 0.0, 0.0), np.rot90(UPRIGHT, axes=(1, 2))),
        ((180.0, 0.0, 5.0), np.roll(UPRIGHT[:, ::-1, ::-1], 5, 2)),
    ],
)
def test_move_by_whole_pixels_and_right_angles_is_exact(pose, expected):
    # Where a pixel lies on a contour of a turned grid, rounding may decide.
    assert np.mean(move(UPRIGHT, np.array(pose)) != expected) < 1e-4


@given(poses)
@settings(max_examples=15)
def test_move_by_the_inverse_returns_the_heart(pose):
    moved = move(UPRIGHT, pose)
    assert moved.dtype == np.uint8
    returned = move(moved, inverse(pose))
    assert min(dice(returned, UPRIGHT).values()) > 0.85  # half a pixel is lost at each contour


def test_move_leaves_empty_slices_empty():
    stack = np.concatenate([np.zeros_like(UPRIGHT[:1]), UPRIGHT])
    pose = np.array([30.0, 3.0, 4.0])
    moved = move(stack, pose)
    assert not moved[0].any()
    np.testing.assert_array_equal(moved[1:], move(UPRIGHT, pose))


def test_move_loses_what_leaves_the_image():
    assert not move(UPRIGHT, np.array([0.0, 0.0, 120.0])).any()


@given(places, places)
def test_landmarks_between_begin_at_the_first_and_end_at_the_second(first, second):
    np.testing.assert_allclose(landmarks_between(first, second, 0.0), first, atol=1e-9)
    np.testing.assert_allclose(landmarks_between(first, second, 1.0), second, atol=1e-9)


@given(places, places, st.floats(0.0, 1.0))
def test_the_lv_goes_straight_and_the_rv_turns_the_short_way_round_it(first, second, weight):
    lv, rv = landmarks_between(first, second, weight)
    np.testing.assert_allclose(lv, first[0] + weight * (second[0] - first[0]), atol=1e-9)
    turns = [pose_between(first, place)[0] for place in (np.stack([lv, rv]), second)]
    assert turns[0] == pytest.approx(weight * turns[1], abs=1e-6)
    lengths = [np.linalg.norm(ends[1] - ends[0]) for ends in (first, second)]
    assert np.linalg.norm(rv - lv) == pytest.approx(np.interp(weight, [0, 1], lengths))


def test_across_the_border_of_180_degrees_the_way_is_short_too():
    at = [np.array([[0.0, 0.0], [np.cos(turn), np.sin(turn)]]) for turn in np.radians([170.0, -170.0])]
    np.testing.assert_allclose(landmarks_between(*at, 0.5), [[0.0, 0.0], [-1.0, 0.0]], atol=1e-9)


def test_fields_are_moved_by_whole_pixels_exactly_and_filled_from_outside():
    fields = np.arange(2 * 5 * 5, dtype=np.float32).reshape(2, 5, 5)
    moved = move_fields(fields, np.array([0.0, 1.0, -2.0]), np.array([-1.0, -3.0], np.float32))
    np.testing.assert_array_equal(moved[:, 1:, :3], fields[:, :-1, 2:])
    assert (moved[0, 0] == -1.0).all()
    assert (moved[1, :, 3:] == -3.0).all()


def test_what_moves_by_no_more_than_rounding_is_left_as_it_is():
    pose = np.array([1e-13, -1e-12, 0.0])
    assert move(UPRIGHT, pose) is UPRIGHT
    fields = np.zeros((1, 4, 4), np.float32)
    assert move_fields(fields, pose, np.zeros(1, np.float32)) is fields
