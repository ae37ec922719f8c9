import json

import numpy as np

from cmrtf.core.geometry import Geometry
from cmrtf.core.measures import measure
from cmrtf.core.stack import Stack
from cmrtf.core.unknown import concatenated, from_slices, slices_by_structure

SLICES = {"MYO": [1], "RV": [0, 1, 2]}


def _stack(unknown):
    label_ids = np.zeros((3, 8, 8), np.uint8)
    label_ids[:, 2:6, 2:6], label_ids[:, 3:5, 3:5] = 2, 1
    geometry = Geometry.of(np.eye(4), (8, 8, 3))
    return Stack(np.zeros((3, 8, 8), np.float32), label_ids, geometry, unknown=unknown)


def test_slices_survive_json():
    unknown = from_slices(json.loads(json.dumps(SLICES)), 3)
    assert unknown.tolist() == [
        [False, False, False, True],
        [False, False, True, True],
        [False, False, False, True],
    ]
    assert slices_by_structure(unknown) == SLICES


def test_nothing_unknown_is_none():
    assert from_slices({}, 3) is None
    assert slices_by_structure(None) == {}
    assert concatenated([(None, 2), (None, 3)]) is None


def test_stacks_follow_each_other():
    unknown = concatenated([(None, 2), (from_slices(SLICES, 3), 3)])
    assert slices_by_structure(unknown) == {"MYO": [3], "RV": [2, 3, 4]}


def test_what_is_unknown_in_a_slice_has_no_volume():
    stack = _stack(from_slices(SLICES, 3))
    assert stack.knows("LV")
    assert not stack.knows("MYO")
    assert np.isnan(stack.volume_ml("MYO"))
    assert stack.volume_ml("LV") == _stack(None).volume_ml("LV")


def test_measures_of_what_is_unknown_are_blank():
    measures = measure({"ED": _stack(from_slices(SLICES, 3)), "ES": _stack(None)})
    assert {name for name, value in measures.items() if value is None} == {
        "MYO_mass_ED_g",
        "RV_EDV_ml",
        "RV_EF_percent",
    }
