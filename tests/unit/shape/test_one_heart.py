import numpy as np
import pytest

from cmrtf.shape.one_heart import find_apart, is_one_heart

SPACING_MM = (1.5, 1.5, 8.0)


def heart():
    """`(8, 64, 64)`, an LV of 8 x 8 pixels within its myocardium, an RV beside it."""
    label_ids = np.zeros((8, 64, 64), np.uint8)
    label_ids[1:7, 20:34, 20:34] = 2
    label_ids[1:7, 23:31, 23:31] = 1
    label_ids[1:7, 20:34, 34:44] = 3
    return label_ids


def test_one_heart_has_nothing_apart():
    strays, beside = find_apart(heart().T > 0, SPACING_MM)
    assert (strays.sum(), beside) == (0, 0)
    assert is_one_heart(heart(), 8.0)


def test_a_small_piece_is_a_stray_where_it_lies():
    label_ids = heart()
    label_ids[3, 60, 50:53] = 3
    strays, beside = find_apart(label_ids.T > 0, SPACING_MM)
    np.testing.assert_array_equal(np.argwhere(strays), [(50, 60, 3), (51, 60, 3), (52, 60, 3)])
    assert beside == 0
    assert not is_one_heart(label_ids, 8.0)


def test_a_large_piece_beside_is_counted_and_no_stray():
    """As a heart was generated once: each slice plausible by itself, some of them at another place."""
    label_ids = heart()
    label_ids[4:] = np.roll(label_ids[4:], 30, axis=1)
    label_ids[4] = 0
    strays, beside = find_apart(label_ids.T > 0, SPACING_MM)
    assert not strays.any()
    assert beside == 2 * 14 * 24
    assert not is_one_heart(label_ids, 8.0)


@pytest.mark.parametrize("away_px", [2, 6])
def test_a_piece_within_10_mm_belongs_to_the_heart(away_px):
    label_ids = heart()
    label_ids[3, 25, 43 + away_px] = 3
    strays, _ = find_apart(label_ids.T > 0, SPACING_MM)
    assert not strays.any()


def test_an_implausible_slice_is_no_heart():
    label_ids = heart()
    label_ids[3, 26, 26] = 0
    assert not is_one_heart(label_ids, 8.0)


def test_no_labels_have_no_pieces():
    strays, beside = find_apart(np.zeros((4, 4, 2), np.bool_), SPACING_MM)
    assert not strays.any()
    assert beside == 0
