import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from cmrtf.shape.plausibility import LV, MYO, RV, _fill, check_slice, check_stack, repair

noise = arrays(np.uint8, (7, 7), elements=st.integers(0, 3))
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
def test_a_heart_is_plausible(label_ids):
    result = check_slice(label_ids)
    assert result.is_plausible
    assert (result.extra_components, result.holes, result.exposed_lv_pixels) == (NONE, NONE, 0)
    assert not result.ring_open


def test_empty_labels_are_plausible():
    assert check_slice(np.zeros((5, 5), np.uint8)).is_plausible
    assert check_stack(np.zeros((2, 5, 5), np.uint8)).is_plausible


def test_specks_count_as_extra_components():
    label_ids = heart()
    label_ids[[1, 3, 5], 1] = RV
    label_ids[1, 40] = MYO
    result = check_slice(label_ids)
    assert result.extra_components == {"LV": 0, "MYO": 1, "RV": 3}
    assert not result.is_plausible


def test_pixels_that_touch_at_a_corner_are_one_component():
    label_ids = np.zeros((5, 5), np.uint8)
    label_ids[[1, 2], [1, 2]] = RV
    assert check_slice(label_ids).is_plausible


@pytest.mark.parametrize(("hole_at", "structure"), [((24, 28), "LV"), ((24, 37), "MYO"), ((24, 14), "RV")])
def test_holes_are_counted_by_structure_and_filled(hole_at, structure):
    label_ids = heart()
    assert label_ids[hole_at] == {"LV": LV, "MYO": MYO, "RV": RV}[structure]
    label_ids[hole_at] = 0
    result = check_slice(label_ids)
    assert result.holes == NONE | {structure: 1}
    assert not result.is_plausible
    assert not result.ring_open
    np.testing.assert_array_equal(repair(label_ids[None])[0], heart())


def test_a_crevice_between_cavity_and_wall_is_a_hole_of_the_myocardium():
    label_ids = heart()
    edge = np.flatnonzero(label_ids[24] == LV)[-1]
    label_ids[24, edge + 1] = 0
    result = check_slice(label_ids)
    assert result.holes == NONE | {"MYO": 1}
    assert result.exposed_lv_pixels == 1
    assert not result.ring_open
    np.testing.assert_array_equal(repair(label_ids[None])[0], heart())


def test_an_open_ring_is_closed_with_pixels_of_the_cavity():
    label_ids = heart()
    label_ids[22:27, 29:][label_ids[22:27, 29:] == MYO] = 0
    result = check_slice(label_ids)
    assert result.ring_open
    assert result.exposed_lv_pixels >= 5
    (repaired,) = repair(label_ids[None])
    assert check_slice(repaired).is_plausible
    changed = repaired != label_ids
    assert changed.sum() == result.exposed_lv_pixels
    assert np.all(label_ids[changed] == LV)
    assert np.all(repaired[changed] == MYO)


def test_lv_beside_rv_is_exposed():
    label_ids = np.full((5, 5), MYO, np.uint8)
    label_ids[2, 2] = LV
    assert check_slice(label_ids).is_plausible
    label_ids[2, 3:] = RV
    result = check_slice(label_ids)
    assert (result.exposed_lv_pixels, result.ring_open) == (1, True)


def test_lv_at_the_border_of_the_image_is_exposed():
    label_ids = np.full((4, 4), LV, np.uint8)
    result = check_slice(label_ids)
    assert (result.exposed_lv_pixels, result.ring_open) == (12, True)


def test_a_ring_of_pixels_that_touch_at_corners_is_closed():
    label_ids = np.zeros((5, 5), np.uint8)
    label_ids[[1, 2, 2, 3], [2, 1, 3, 2]] = MYO
    label_ids[2, 2] = LV
    result = check_slice(label_ids)
    assert result.is_plausible
    assert not result.ring_open


def test_structures_without_lv_are_plausible():
    label_ids = np.zeros((6, 6), np.uint8)
    label_ids[1:3, 1:3], label_ids[1:3, 3:5] = MYO, RV
    assert check_slice(label_ids).is_plausible


def test_gaps_along_the_stack_are_implausible():
    stack = np.stack([heart()] * 5)
    stack[2][stack[2] == RV] = 0
    result = check_stack(stack)
    assert result.gaps == {"LV": 0, "MYO": 0, "RV": 1}
    assert all(one_slice.is_plausible for one_slice in result.slices)
    assert not result.is_plausible


def test_components_in_neighbouring_slices_that_do_not_overlap_are_no_gap():
    stack = np.zeros((2, 8, 8), np.uint8)
    stack[0, 1, 1] = stack[1, 6, 6] = RV
    result = check_stack(stack)
    assert result.gaps["RV"] == 0
    assert result.is_plausible


@given(hearts, spots)
def test_repair_makes_a_spotted_heart_plausible(label_ids, spots):
    (repaired,) = repair(spotted(label_ids, spots)[None])
    assert check_slice(repaired).is_plausible
    assert np.mean(repaired != label_ids) < 0.1


@given(noise)
def test_repair_of_noise_is_plausible_and_idempotent(label_ids):
    once = repair(label_ids[None])
    assert check_slice(once[0]).is_plausible
    np.testing.assert_array_equal(repair(once), once)


@given(noise, hearts)
def test_repair_leaves_plausible_slices_alone(jagged, smooth):
    for label_ids in (jagged, smooth):
        if check_slice(label_ids).is_plausible:
            np.testing.assert_array_equal(repair(label_ids[None])[0], label_ids)


@given(noise)
def test_an_open_ring_always_exposes_the_lv(label_ids):
    result = check_slice(label_ids)
    assert result.exposed_lv_pixels or not result.ring_open


def test_fill_equals_scipys_binary_fill_holes():
    rng, pixels_filled = np.random.default_rng(0), 0
    for _ in range(200):
        mask = rng.random(rng.integers(1, 20, 2)) < rng.uniform(0.3, 0.9)
        np.testing.assert_array_equal(_fill(mask), ndimage.binary_fill_holes(mask))
        pixels_filled += int((_fill(mask) & ~mask).sum())
    assert pixels_filled > 200
