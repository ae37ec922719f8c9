import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cmrtf.metrics import overlap
from cmrtf.metrics.overlap import dice, hd95_mm

SPACING_MM = (10.0, 1.5, 1.5)


def lv_block(*corner_and_size):
    """A block of LV: `(start, stop)` along each axis."""
    label_ids = np.zeros((6, 20, 20), np.uint8)
    label_ids[tuple(slice(*ends) for ends in corner_and_size)] = 1
    return label_ids


# Dice


def test_dice_equals_counting_voxels():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 4, (2, 3, 8, 8))
    scores = dice(first, second)
    assert list(scores) == ["LV", "MYO", "RV"]
    for label, score in enumerate(scores.values(), start=1):
        both = sum(a == b == label for a, b in zip(first.flat, second.flat, strict=True))
        either = sum(a == label for a in first.flat) + sum(b == label for b in second.flat)
        assert score == pytest.approx(2 * both / either)


def test_dice_is_1_of_equal_0_of_disjoint_and_nan_of_empty_structures():
    lv, empty = np.array([1, 1]), np.array([0, 0])
    assert dice(lv, lv)["LV"] == 1.0
    assert dice(lv, empty)["LV"] == 0.0
    assert np.isnan(dice(empty, empty)["LV"])


def test_examples_in_docstrings_hold():
    assert doctest.testmod(overlap) == (0, 2)


# Surface distances


def test_surfaces_of_equal_labels_are_at_distance_zero():
    lv = lv_block((1, 4), (3, 9), (3, 9))
    distance = hd95_mm(lv, lv, SPACING_MM)["LV"]
    assert distance == 0.0


def test_distance_of_two_voxels_uses_the_spacing():
    one, other = lv_block((1, 2), (5, 6), (5, 6)), lv_block((3, 4), (7, 8), (6, 7))
    expected = pytest.approx(np.sqrt(20.0**2 + 3.0**2 + 1.5**2))
    distance = hd95_mm(one, other, SPACING_MM)["LV"]
    assert distance == expected


def test_hd95_is_the_larger_of_the_percentiles_of_both_directions():
    short, long = lv_block((2, 3), (5, 6), (0, 10)), lv_block((2, 3), (5, 6), (0, 20))
    beyond_mm = 1.5 * np.arange(1, 11)
    distance = hd95_mm(short, long, SPACING_MM)["LV"]
    assert distance == pytest.approx(np.percentile([*np.zeros(10), *beyond_mm], 95))


def test_voxels_inside_a_structure_do_not_count():
    """A square and its rim have the same surface."""
    filled, rim = np.zeros((2, 11, 11), np.uint8)
    filled[3:8, 3:8] = rim[3:8, 3:8] = 1
    rim[4:7, 4:7] = 0
    assert hd95_mm(filled, rim, (1.5, 1.5))["LV"] == 0.0


def test_distance_is_nan_where_either_structure_is_empty():
    lv, empty = lv_block((1, 4), (3, 9), (3, 9)), np.zeros((6, 20, 20), np.uint8)
    for pair in ((lv, empty), (empty, lv), (empty, empty)):
        assert np.isnan(hd95_mm(*pair, SPACING_MM)["LV"])


@given(arrays(np.uint8, (2, 3, 5, 5), elements=st.integers(0, 3)))
def test_distances_are_symmetric(pair):
    there, back = (hd95_mm(*ends, SPACING_MM) for ends in (pair, pair[::-1]))
    for structure, distance in there.items():
        np.testing.assert_allclose(distance, back[structure])


@given(arrays(np.bool_, (2, 3, 5, 5)))
def test_distances_equal_those_over_all_pairs_of_surface_voxels(masks):
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
    distance = hd95_mm(*masks.astype(np.uint8), SPACING_MM)["LV"]
    assert distance == pytest.approx(max(np.percentile(distances, 95) for distances in directed))


# What is unknown


def test_slices_in_which_a_structure_is_unknown_are_left_out_of_both():
    truth, predicted = (lv_block((0, 4), (2, 8), (2, 8)) for _ in range(2))
    predicted[4:, 2:8, 2:8], predicted[:, 12:, 12:] = 1, 3
    unknown = np.zeros((6, 4), np.bool_)
    unknown[4:, 1] = unknown[:, 3] = True
    assert dice(truth, predicted)["LV"] == pytest.approx(0.8)
    assert dice(truth, predicted, unknown)["LV"] == 1.0
    assert hd95_mm(truth, predicted, SPACING_MM, unknown)["LV"] == 0.0
    assert dice(truth, predicted)["RV"] == 0.0
    assert np.isnan(dice(truth, predicted, unknown)["RV"])
    assert np.isnan(hd95_mm(truth, predicted, SPACING_MM, unknown)["RV"])
