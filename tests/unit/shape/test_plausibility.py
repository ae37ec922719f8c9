import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from cmrtf.shape.plausibility import LV, MYO, RV, _filled, repair, slice_faults, volume_faults

anything = arrays(np.uint8, (7, 7), elements=st.integers(0, 3))
NONE = {"LV": 0, "MYO": 0, "RV": 0}


def heart(cavity=7.0, wall=4.0, lv_at=(24.0, 28.0), size=48):
    """One slice: a round LV in its wall, and an RV that leans on it from the left."""
    rows, columns = np.indices((size, size))
    from_lv = np.hypot(rows - lv_at[0], columns - lv_at[1])
    from_rv = np.hypot(rows - lv_at[0], (columns - lv_at[1] + 14) * 1.3)
    label_ids = np.where(from_rv <= cavity + wall, RV, 0)
    label_ids[from_lv <= cavity + wall] = MYO
    label_ids[from_lv <= cavity] = LV
    return label_ids.astype(np.uint8)


hearts = st.builds(heart, st.floats(3, 9), st.floats(2, 5), st.tuples(st.floats(20, 28), st.floats(26, 30)))
spots = st.lists(st.tuples(st.integers(0, 46), st.integers(0, 46), st.integers(0, 3)), max_size=12)


def spotted(label_ids, spots):
    """Specks and holes of two pixels' size."""
    label_ids = label_ids.copy()
    for row, column, label_id in spots:
        label_ids[row : row + 2, column : column + 2] = label_id
    return label_ids


@given(hearts)
def test_a_heart_is_valid(label_ids):
    faults = slice_faults(label_ids)
    assert faults.is_valid
    assert (faults.extra_components, faults.holes, faults.exposed_lv_pixels) == (NONE, NONE, 0)
    assert not faults.ring_open
    assert faults.without_lv == ()


def test_nothing_is_valid():
    assert slice_faults(np.zeros((5, 5), np.uint8)).is_valid
    assert volume_faults(np.zeros((2, 5, 5), np.uint8)).is_valid


def test_specks_are_components():
    label_ids = heart()
    label_ids[[1, 3, 5], 1] = RV
    label_ids[1, 40] = MYO
    faults = slice_faults(label_ids)
    assert faults.extra_components == {"LV": 0, "MYO": 1, "RV": 3}
    assert not faults.is_valid


def test_a_corner_connects():
    label_ids = np.zeros((5, 5), np.uint8)
    label_ids[[1, 2], [1, 2]] = RV
    assert slice_faults(label_ids).is_valid


@pytest.mark.parametrize(("hole_at", "structure"), [((24, 28), "LV"), ((24, 37), "MYO"), ((24, 14), "RV")])
def test_holes(hole_at, structure):
    label_ids = heart()
    assert label_ids[hole_at] == {"LV": LV, "MYO": MYO, "RV": RV}[structure]
    label_ids[hole_at] = 0
    faults = slice_faults(label_ids)
    assert faults.holes == NONE | {structure: 1}
    assert not faults.is_valid
    assert not faults.ring_open
    np.testing.assert_array_equal(repair(label_ids[None])[0], heart())


def test_a_crevice_between_cavity_and_wall_is_a_hole_of_the_wall():
    label_ids = heart()
    edge = np.flatnonzero(label_ids[24] == LV)[-1]
    label_ids[24, edge + 1] = 0
    faults = slice_faults(label_ids)
    assert faults.holes == NONE | {"MYO": 1}
    assert faults.exposed_lv_pixels == 1
    assert not faults.ring_open
    np.testing.assert_array_equal(repair(label_ids[None])[0], heart())


def test_a_gap_opens_the_ring_and_is_closed_at_the_cost_of_the_cavity():
    label_ids = heart()
    label_ids[22:27, 29:][label_ids[22:27, 29:] == MYO] = 0
    faults = slice_faults(label_ids)
    assert faults.ring_open
    assert faults.exposed_lv_pixels >= 5
    (repaired,) = repair(label_ids[None])
    assert slice_faults(repaired).is_valid
    changed = repaired != label_ids
    assert changed.sum() == faults.exposed_lv_pixels
    assert np.all(label_ids[changed] == LV)
    assert np.all(repaired[changed] == MYO)


def test_rv_beside_lv_is_exposed():
    label_ids = np.full((5, 5), MYO, np.uint8)
    label_ids[2, 2] = LV
    assert slice_faults(label_ids).is_valid
    label_ids[2, 3:] = RV
    faults = slice_faults(label_ids)
    assert (faults.exposed_lv_pixels, faults.ring_open) == (1, True)


def test_the_border_exposes():
    label_ids = np.full((4, 4), LV, np.uint8)
    faults = slice_faults(label_ids)
    assert (faults.exposed_lv_pixels, faults.ring_open) == (12, True)


def test_a_ring_that_is_closed_by_corners():
    label_ids = np.zeros((5, 5), np.uint8)
    label_ids[[1, 2, 2, 3], [2, 1, 3, 2]] = MYO
    label_ids[2, 2] = LV
    faults = slice_faults(label_ids)
    assert faults.is_valid
    assert not faults.ring_open


def test_structures_without_lv_are_counted_but_valid():
    label_ids = np.zeros((6, 6), np.uint8)
    label_ids[1:3, 1:3], label_ids[1:3, 3:5] = MYO, RV
    faults = slice_faults(label_ids)
    assert faults.without_lv == ("MYO", "RV")
    assert faults.is_valid


def test_gaps_along_the_stack():
    stack = np.stack([heart()] * 5)
    stack[2][stack[2] == RV] = 0
    faults = volume_faults(stack)
    assert faults.gaps == {"LV": 0, "MYO": 0, "RV": 1}
    assert faults.detached == {"LV": 0, "MYO": 0, "RV": 1}
    assert all(each.is_valid for each in faults.slices)
    assert not faults.is_valid


def test_pieces_that_do_not_overlap_are_detached_without_a_gap():
    stack = np.zeros((2, 8, 8), np.uint8)
    stack[0, 1, 1] = stack[1, 6, 6] = RV
    faults = volume_faults(stack)
    assert (faults.gaps["RV"], faults.detached["RV"]) == (0, 1)
    assert faults.is_valid


@given(hearts, spots)
def test_a_spotted_heart_is_repaired(label_ids, spots):
    (repaired,) = repair(spotted(label_ids, spots)[None])
    assert slice_faults(repaired).is_valid
    assert np.mean(repaired != label_ids) < 0.1


@given(anything)
def test_repair_ends_valid_and_changes_nothing_twice(label_ids):
    once = repair(label_ids[None])
    assert slice_faults(once[0]).is_valid
    np.testing.assert_array_equal(repair(once), once)


@given(anything, hearts)
def test_repair_leaves_what_is_valid(noise, smooth):
    for label_ids in (noise, smooth):
        if slice_faults(label_ids).is_valid:
            np.testing.assert_array_equal(repair(label_ids[None])[0], label_ids)


@given(anything)
def test_an_open_ring_always_exposes(label_ids):
    faults = slice_faults(label_ids)
    assert faults.exposed_lv_pixels or not faults.ring_open


def test_holes_are_filled_as_scipy_does():
    rng, pixels_filled = np.random.default_rng(0), 0
    for _ in range(200):
        mask = rng.random(rng.integers(1, 20, 2)) < rng.uniform(0.3, 0.9)
        np.testing.assert_array_equal(_filled(mask), ndimage.binary_fill_holes(mask))
        pixels_filled += int((_filled(mask) & ~mask).sum())
    assert pixels_filled > 200
