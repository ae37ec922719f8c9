import numpy as np
import pytest

from cmrtf.shape.deformities import Deformities

SIZE = 64


def heart(wall_px=6.0, rv_apart_px=0, dent_px=0):
    """A slice: a disc of LV and myocardium, the RV's beside it, and a wedge cut out of the former."""
    y, x = np.indices((SIZE, SIZE)) - SIZE // 2
    distance = np.hypot(x, y)
    label_ids = np.zeros((SIZE, SIZE), np.uint8)
    label_ids[np.hypot(x + 18 + rv_apart_px, y) < 8] = 3
    label_ids[distance < 10 + wall_px] = 2
    label_ids[distance < 10] = 1
    label_ids[(x > 10 + wall_px - dent_px) & (abs(y) < 6)] = 0
    return label_ids


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (0, 0, 0)),
        ({"rv_apart_px": 5}, (0, 0, 0)),
        ({"rv_apart_px": 12}, (1, 0, 0)),
        ({"dent_px": 2}, (0, 0, 0)),
        ({"dent_px": 11}, (0, 1, 0)),
        ({"wall_px": 2.5}, (0, 0, 0)),
        ({"wall_px": 1.0}, (0, 0, 1)),
    ],
)
def test_each_deformity_is_told_from_what_is_none(changes, expected):
    found = Deformities.count([heart(**changes)[None]])
    assert (found.rv_apart, found.dented, found.thin) == expected
    assert (found.labelled, found.deformed) == (1, int(any(expected)))


def test_slices_are_counted_once_over_all_phases_and_empty_ones_not():
    empty = np.zeros((SIZE, SIZE), np.uint8)
    torn_and_thin = heart(wall_px=1.0, rv_apart_px=12)
    found = Deformities.count(
        [np.stack([empty, heart(), torn_and_thin]), np.stack([heart(wall_px=1.0), empty])]
    )
    assert found == Deformities(labelled=3, deformed=2, rv_apart=1, dented=0, thin=2)
    assert str(found) == (
        "2 of 3 slices deformed (RV apart from the myocardium in 1, wall of one pixel in 2)"
    )


def test_of_nothing_nothing_is_deformed():
    assert Deformities.count([]).deformed == 0
    assert Deformities.count([np.zeros((2, SIZE, SIZE), np.uint8)]).labelled == 0


@pytest.mark.parametrize("label_ids", [1, 2, 3])
def test_a_slice_of_one_structure_is_not_deformed(label_ids):
    """Real apical and basal slices may lack the others."""
    only = np.where(heart() == label_ids, label_ids, 0)
    only[only == 2] = 0  # a ring is no outline of its own
    assert Deformities.count([only[None].astype(np.uint8)]).deformed == 0
