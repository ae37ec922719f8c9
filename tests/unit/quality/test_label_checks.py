from pathlib import Path

import numpy as np
import pytest

from cmrtf.quality.label_checks import read_label_ids
from raw_data import SPACING_MM, heart
from raw_patient import LABEL

VALUES = {0: 0, 1: 1, 2: 2, 3: 3}


def read(label, values=VALUES):
    """Label ids, and level and problem of each issue."""
    label_ids, issues = read_label_ids(Path("label.nii.gz"), label, values, SPACING_MM, "ED")
    assert {issue.file for issue in issues} <= {Path("label.nii.gz")}
    return label_ids, [(issue.level, issue.problem) for issue in issues]


def spoilt(box, value=1):
    """A heart with another value in a box of voxels."""
    label = heart()
    label[box] = value
    return label


def test_a_whole_heart_is_itself():
    label_ids, issues = read(heart())
    assert issues == []
    np.testing.assert_array_equal(label_ids, heart())


def test_values_that_are_nearly_whole_are_whole():
    label_ids, issues = read(heart() * (1 - 1e-10))
    assert issues == []
    np.testing.assert_array_equal(label_ids, heart())


def test_other_values_are_told_in_full():
    _, issues = read(heart() * 0.9)
    ((level, problem),) = issues
    assert level == "error"
    assert problem.endswith("Received: 0.9, 1.8, 2.7.")


@pytest.mark.parametrize("box", [np.s_[1:3, 1, 4], np.s_[20, 20:22, 0], np.s_[1:9, 1:9, 4]])
def test_strays_are_dropped_slice_and_count_named(box):
    """In the corner of a slice, in a slice beside the heart, and as large as 64 voxels."""
    label = heart()
    label[:, :, 1] = 0
    expected = label.copy()
    label[box] = 1
    label_ids, issues = read(label)
    count, where = np.ones(label.shape)[box].size, box[2]
    assert issues == [
        (
            "warning",
            f"expected one heart at ED. Received: {count} labelled voxels away from it ({count} in slice "
            f"{where}; slices counted from 0); they are dropped",
        )
    ]
    np.testing.assert_array_equal(label_ids, expected)


def test_a_small_piece_at_the_heart_and_a_large_one_beyond_a_gap_stay():
    label = heart()
    edge = int(np.flatnonzero(label[:, 22, 5])[-1])
    label[edge + 2, 22, 5] = 3
    label_ids, issues = read(label)
    assert issues == []
    np.testing.assert_array_equal(label_ids, label)
    label = spoilt(np.s_[:, :, 2:4], 0)
    np.testing.assert_array_equal(read(label)[0], label)


def test_strays_alone_are_no_heart(patient):
    def one_slice_and_a_stray(label):
        label = label * (np.arange(6) == 2).astype(np.uint8)
        label[1, 1, 5] = 1
        return label

    patient.change(LABEL, one_slice_and_a_stray)
    assert "Received: labels in one slice only" in patient.errors()[LABEL]


@pytest.mark.parametrize(("label_id", "level"), [(1, "error"), (2, "warning"), (3, "warning")])
def test_a_structure_that_is_missing(label_id, level):
    label = heart()
    label[label == label_id] = 0
    name = {1: "LV", 2: "MYO", 3: "RV"}[label_id]
    assert (level, f"expected a label of {name} at ED. Received: none") in read(label)[1]


def test_a_structure_that_the_data_set_does_not_label_is_not_missing():
    label = heart()
    label[label == 3] = 0
    assert read(label, {0: 0, 1: 1, 2: 2})[1] == []


def test_empty_slices_within_the_heart():
    _, issues = read(spoilt(np.s_[:, :, 2:4], 0))
    problem = (
        "expected labels in all slices of the heart at ED. Received: none in slices 2, 3 (counted from 0)"
    )
    assert issues == [("warning", f"{problem}; they are filled in where subjects are interpolated")]


def test_slices_that_lack_one_structure():
    label = heart()
    label[..., 3][label[..., 3] == 3] = 0
    problem = "expected RV in all of its slices at ED. Received: none in slice 3 (counted from 0)"
    assert read(label)[1] == [("warning", problem)]


def test_a_second_place_is_warned_of():
    label = np.pad(heart(), ((0, 40), (0, 0), (0, 0)))
    label[60:70, 10:30, 2:5] = 1
    label_ids, issues = read(label)
    np.testing.assert_array_equal(label_ids, label)
    assert [problem for _, problem in issues] == [
        "expected one heart at ED. Received: 600 labelled voxels in a second place, more than 10 mm "
        "beside it; they are kept, look which is the heart"
    ]
