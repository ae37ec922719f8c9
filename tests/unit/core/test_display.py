import numpy as np
import pytest

from cmrtf.core.display import enlarged_labels, grey_levels, label_outlines, upright


def test_grey_levels_saturate() -> None:
    assert grey_levels(np.array([-3.0, -1.0, 0.0, 1.0, 2.0])).tolist() == [0, 0, 128, 255, 255]


@pytest.mark.parametrize(
    ("x_sign", "y_sign", "expected"),
    [
        (-1, -1, [[0, 1], [2, 3]]),  # LPS, as ACDC is stored: shown as it is
        (1, 1, [[3, 2], [1, 0]]),  # RAS: both axes turned
        (-1, 1, [[2, 3], [0, 1]]),
    ],
)
def test_patient_left_is_shown_on_the_right_and_back_below(x_sign, y_sign, expected) -> None:
    stack = np.arange(4).reshape(1, 2, 2)
    assert upright(stack, np.diag([1.5 * x_sign, 1.5 * y_sign, 10.0, 1.0]))[0].tolist() == expected


def test_a_short_axis_plane_is_shown_feet_down() -> None:
    affine = np.eye(4)
    affine[:3, 0] = [-0.7, -0.6, -0.4]  # towards patient left
    affine[:3, 1] = [-0.1, 0.5, 0.86]  # towards the head: must be turned
    stack = np.arange(4).reshape(1, 2, 2)
    assert upright(stack, affine)[0].tolist() == [[2, 3], [0, 1]]


def test_enlarged_labels_are_labels_of_the_same_shape() -> None:
    labels = np.zeros((20, 20), np.uint8)
    labels[5:15, 5:15] = 1
    labels[5:15, 10:15] = 3
    enlarged = enlarged_labels(labels, 60)
    assert set(np.unique(enlarged)) == {0, 1, 3}
    assert np.count_nonzero(enlarged == 3) == pytest.approx(9 * 50, rel=0.05)


def test_outlines_are_the_rim_of_each_structure() -> None:
    labels = np.zeros((7, 7), np.uint8)
    labels[1:6, 1:6] = 2
    outlines = label_outlines(labels)
    assert np.count_nonzero(outlines == 2) == 16
    assert outlines[3, 3] == 0
