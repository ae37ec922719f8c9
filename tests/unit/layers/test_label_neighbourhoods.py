import doctest

import numpy as np
import pytest
import tensorflow as tf

from cmrtf.layers import label_neighbourhoods
from cmrtf.layers.label_neighbourhoods import MAX_CLASSES, MAX_DISTINCT, find_label_neighbourhoods


def _neighbourhood(label_ids, row, column, num_classes):
    """One-hot `(5, 5, num_classes)` around a pixel, zeros outside the image, one pixel at a time."""
    result = np.zeros((5, 5, num_classes), np.float32)
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            y, x = row + dy, column + dx
            if 0 <= y < label_ids.shape[0] and 0 <= x < label_ids.shape[1]:
                result[dy + 2, dx + 2, label_ids[y, x]] = 1.0
    return result


@pytest.mark.parametrize("num_classes", [1, 2, 4, 9, 16, MAX_CLASSES])
@pytest.mark.parametrize("shape", [(2, 6, 9), (1, 3, 3), (1, 1, 2), (3, 5, 1), (1, 1, 1)])
def test_windows_and_indices_against_brute_force(shape, num_classes):
    label_ids = num_classes - 1 - np.random.default_rng(0).integers(0, num_classes, shape) // 2
    neighbourhoods = find_label_neighbourhoods(tf.constant(label_ids), num_classes)
    windows, window_index, index = (array.numpy() for array in neighbourhoods)
    assert (windows.dtype, window_index.dtype, index.dtype) == (np.float32, np.int32, np.int32)
    assert index.shape == shape
    for batch, row, column in np.ndindex(*shape):
        expected = _neighbourhood(label_ids[batch], row, column, num_classes)
        rows = window_index[index[batch, row, column]]
        for window, (dy, dx) in zip(windows[rows], np.ndindex(3, 3), strict=True):
            inside = expected[dy + 1, dx + 1].sum()
            assert window[-1] == inside
            if inside:
                np.testing.assert_array_equal(window[:-1], expected[dy : dy + 3, dx : dx + 3].ravel())
            else:
                np.testing.assert_array_equal(window, 0)


def test_neighbourhoods_and_windows_are_listed_once():
    label_ids = np.random.default_rng(0).integers(0, 2, (3, 8, 8))
    windows, window_index, index = (
        array.numpy() for array in find_label_neighbourhoods(tf.constant(label_ids), 2)
    )
    assert len(np.unique(windows, axis=0)) == len(windows)
    assert set(np.unique(window_index)) == set(range(len(windows)))
    assert set(np.unique(index)) == set(range(len(window_index)))


@pytest.mark.parametrize(("size", "expected"), [(16, 25), (5, 25), (4, 16), (1, 1)])
def test_uniform_map_has_one_neighbourhood_by_position_relative_to_the_border(size, expected):
    neighbourhoods = find_label_neighbourhoods(tf.zeros((2, size, size), tf.uint8), num_classes=4)
    assert len(neighbourhoods.window_index) == expected


def test_docstring_example():
    assert doctest.testmod(label_neighbourhoods) == (0, 3)


def test_codes_of_every_stage_fit_in_64_bits():
    """The largest of them is one less than this."""
    assert (MAX_CLASSES + 1) ** 9 == MAX_DISTINCT**3 == 2**63


def test_more_classes_are_an_error():
    with pytest.raises(ValueError, match=r"at most 127\. Received: num_classes=128"):
        find_label_neighbourhoods(tf.zeros((1, 4, 4), tf.int32), MAX_CLASSES + 1)


@pytest.mark.parametrize("eager", [True, False])
def test_too_many_distinct_windows_are_an_error(monkeypatch, eager):
    """Their codes would be those of other strips."""
    monkeypatch.setattr(label_neighbourhoods, "MAX_DISTINCT", 16)
    find = find_label_neighbourhoods if eager else tf.function(find_label_neighbourhoods)
    label_ids = np.zeros((1, 8, 8), int)
    find(tf.constant(label_ids), 4)  # 10 windows, which stand side by side in 16 ways
    label_ids[0, 3, 3] = 1
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"distinct.*at most 16 in a batch"):
        find(tf.constant(label_ids), 4)


@pytest.mark.parametrize("foreign", [-1, 4])
def test_foreign_label_id_is_an_error(foreign):
    """Its code would be that of another neighbourhood."""
    label_ids = np.zeros((1, 6, 6), int)
    label_ids[0, 2, 3] = foreign
    with pytest.raises(tf.errors.InvalidArgumentError, match="label_ids"):
        find_label_neighbourhoods(tf.constant(label_ids), 4)
