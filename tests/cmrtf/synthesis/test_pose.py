import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmrtf.evaluation.dice import dice
from cmrtf.synthesis.pose import inverse, landmarks, mean_landmarks, move, pose_between
from heart_double import RingModels

poses = st.tuples(st.floats(-180, 180), st.floats(-12, 12), st.floats(-12, 12)).map(np.array)
places = st.floats(-30, 30)
hearts = st.tuples(st.tuples(places, places), st.floats(5, 40), st.floats(-np.pi, np.pi)).map(
    lambda drawn: np.array(
        [drawn[0], np.add(drawn[0], drawn[1] * np.array([np.cos(drawn[2]), np.sin(drawn[2])]))]
    )
)
"""Landmarks: an RV somewhere around an LV."""


def moved(points, pose):
    """Points `(..., 2)`: turned from rows towards columns, then shifted."""
    turned = np.exp(1j * np.radians(pose[0])) * (points[..., 0] + 1j * points[..., 1])
    return np.stack([turned.real, turned.imag], axis=-1) + pose[1:]


@pytest.fixture(scope="module")
def stack():
    """An empty slice, then a heart in four."""
    radii = np.array([[12, 7, 10], [15, 10, 12], [18, 13, 15], [20, 14, 17]], np.float32)
    return np.concatenate([np.zeros((1, 128, 128), np.uint8), RingModels().decode(radii)])


def test_landmarks_are_centres_in_the_middle_slices():
    label_ids = np.zeros((5, 10, 10), np.uint8)
    label_ids[1:, 2, 4:7] = 1
    label_ids[1:, 6:8, 1] = 3
    label_ids[1] = label_ids[1].T  # the outer quarters count for nothing
    label_ids[4] = label_ids[4, ::-1]
    np.testing.assert_allclose(landmarks(label_ids), [[2 - 4.5, 5 - 4.5], [6.5 - 4.5, 1 - 4.5]])


def test_without_both_ventricles_in_a_slice_there_are_no_landmarks():
    label_ids = np.zeros((2, 10, 10), np.uint8)
    label_ids[0, 2, 2], label_ids[1, 5, 5] = 1, 3
    assert landmarks(label_ids) is None


def test_the_usual_heart_has_the_mean_place_and_direction():
    first = np.array([[0.0, 0.0], [0.0, -20.0]])  # how far away the RV is does not count
    second = np.array([[4.0, 2.0], [14.0, 2.0]])
    np.testing.assert_allclose(mean_landmarks([first, second]), [[2.0, 1.0], [2.5, 0.5]])


@given(hearts, hearts)
def test_the_pose_between_two_brings_lv_onto_lv_and_rv_to_its_side(first, second):
    pose = pose_between(first, second)
    assert -180.0 <= pose[0] <= 180.0
    lv, rv = moved(first, pose)
    np.testing.assert_allclose(lv, second[0], atol=1e-9)
    reach, wanted = rv - lv, second[1] - second[0]
    np.testing.assert_allclose(reach / np.linalg.norm(reach), wanted / np.linalg.norm(wanted), atol=1e-9)


@given(poses, st.tuples(places, places).map(np.array))
def test_the_inverse_leads_back(pose, point):
    np.testing.assert_allclose(moved(moved(point, pose), inverse(pose)), point, atol=1e-9)


@given(poses)
@settings(max_examples=10)
def test_labels_move_as_points_do(stack, pose):
    away = move(stack, pose)
    np.testing.assert_allclose(landmarks(away), moved(landmarks(stack), pose), atol=0.3)
    assert not away[0].any()
    assert set(np.unique(away)) == {0, 1, 2, 3}


@given(poses)
@settings(max_examples=10)
def test_moved_and_moved_back_a_heart_is_the_same(stack, pose):
    back = move(move(stack, pose), inverse(pose))
    assert min(dice(back, stack).values()) > 0.95


def test_whole_pixels_and_right_angles_are_exact(stack):
    np.testing.assert_array_equal(
        move(stack, np.array([0.0, 5.0, -3.0])), np.roll(stack, (5, -3), axis=(1, 2))
    )
    np.testing.assert_array_equal(move(stack, np.array([90.0, 0.0, 0.0])), np.rot90(stack, axes=(1, 2)))
    assert move(stack, np.zeros(3)) is stack
