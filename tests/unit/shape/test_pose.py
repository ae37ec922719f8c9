import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmrtf.metrics.overlap import dice
from cmrtf.shape.pose import inverse, landmarks, mean_landmarks, move, pose_between
from heart_double import RingModels

UPRIGHT = RingModels().decode(np.array([[20.0, 14.0, 17.0]]))
"""One slice; the LV's centre is the middle of the image, the RV lies at lower columns."""

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


def carried(pose, points):
    """Points `(n, 2)` under a pose, as complex numbers turn and shift."""
    degrees, rows, columns = pose
    after = (points @ [1.0, 1.0j]) * np.exp(1j * np.radians(degrees)) + rows + 1j * columns
    return np.stack([after.real, after.imag], axis=1)


def boxes(slices, lv_row, rv_row):
    """LV and RV of 3 x 3 pixels in a 21 x 21 image, centred at a row from its middle, 5 columns apart."""
    label_ids = np.zeros((slices, 21, 21), np.uint8)
    label_ids[:, 9 + lv_row : 12 + lv_row, 9:12] = 1
    label_ids[:, 9 + rv_row : 12 + rv_row, 4:7] = 3
    return label_ids


def test_landmarks_are_centres_from_the_middle_of_the_image():
    np.testing.assert_allclose(landmarks(boxes(2, 2, -1)), [[2.0, 0.0], [-1.0, -5.0]], atol=1e-12)


def test_landmarks_are_of_the_middle_half_of_the_slices_that_show_both():
    middle, outer = boxes(4, 2, -1), boxes(2, 8, 8)
    without_rv = np.where(outer == 3, 0, outer).astype(np.uint8)
    stack = np.concatenate([without_rv, outer, middle, outer, without_rv])
    np.testing.assert_array_equal(landmarks(stack), landmarks(middle))


def test_a_heart_without_a_slice_of_both_has_no_landmarks():
    stack = boxes(2, 0, 0)
    stack[0][stack[0] == 1] = stack[1][stack[1] == 3] = 0
    assert landmarks(stack) is None


@given(poses)
@settings(max_examples=15)
def test_landmarks_move_with_the_heart(pose):
    # Outlines run between pixels, so a shift along rows or columns is rounded to whole pixels.
    expected = carried(pose, landmarks(UPRIGHT))
    np.testing.assert_allclose(landmarks(move(UPRIGHT, pose)), expected, atol=0.6)


def test_mean_landmarks_are_as_most_hearts_lie():
    """The direction of the RV is averaged, however far away it is."""
    down = np.array([[2.0, 0.0], [32.0, 0.0]])
    right = np.array([[0.0, 4.0], [0.0, 9.0]])
    np.testing.assert_allclose(mean_landmarks([down, right]), [[1.0, 2.0], [1.5, 2.5]])


@given(places, places)
def test_the_pose_between_hearts_brings_lv_to_lv_and_rv_to_the_same_side(first, second):
    pose = pose_between(first, second)
    assert -180.0 <= pose[0] <= 180.0
    lv, rv = carried(pose, first)
    np.testing.assert_allclose(lv, second[0], atol=1e-9)
    wanted = second[1] - second[0]
    np.testing.assert_allclose(
        (rv - lv) / np.linalg.norm(rv - lv), wanted / np.linalg.norm(wanted), atol=1e-9
    )


@given(poses, places)
def test_the_inverse_leads_back(pose, points):
    np.testing.assert_allclose(carried(inverse(pose), carried(pose, points)), points, atol=1e-9)


@pytest.mark.parametrize(
    ("pose", "moved"),
    [
        ((0.0, 0.0, 0.0), UPRIGHT),
        ((0.0, 7.0, -11.0), np.roll(UPRIGHT, (7, -11), (1, 2))),
        ((90.0, 0.0, 0.0), np.rot90(UPRIGHT, axes=(1, 2))),
        ((180.0, 0.0, 5.0), np.roll(UPRIGHT[:, ::-1, ::-1], 5, 2)),
    ],
)
def test_whole_pixels_and_right_angles_are_exact(pose, moved):
    # Where a pixel lies on the outline of a turned grid, rounding may decide.
    assert np.mean(move(UPRIGHT, np.array(pose)) != moved) < 1e-4


@given(poses)
@settings(max_examples=15)
def test_a_heart_that_was_moved_is_moved_back(pose):
    moved = move(UPRIGHT, pose)
    assert moved.dtype == np.uint8
    returned = move(moved, inverse(pose))
    assert min(dice(returned, UPRIGHT).values()) > 0.95


def test_slices_without_labels_stay_empty():
    stack = np.concatenate([np.zeros_like(UPRIGHT[:1]), UPRIGHT])
    pose = np.array([30.0, 3.0, 4.0])
    moved = move(stack, pose)
    assert not moved[0].any()
    np.testing.assert_array_equal(moved[1:], move(UPRIGHT, pose))


def test_what_leaves_the_image_is_gone():
    assert not move(UPRIGHT, np.array([0.0, 0.0, 120.0])).any()
