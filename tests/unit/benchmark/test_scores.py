import json
import math

import numpy as np
import pytest

from cmrtf.benchmark.scores import DICE, ERRORS, HD95, MEAN, MISSED, from_stored, score, to_stored
from cmrtf.core.labels import SCHEMA
from evaluation_doubles import GreySegmenter


class HalfBlind(GreySegmenter):
    """Misses the RV."""

    def segment(self, images):
        label_ids = super().segment(images)
        return np.where(label_ids == 3, 0, label_ids).astype(np.uint8)


class Exact(GreySegmenter):
    """Knows the labels of the stacks that it is shown, in order."""

    def __init__(self, subjects):
        self.labels = [stack.label_ids for subject in subjects for stack in subject.stacks.values()]

    def segment(self, images):
        return self.labels.pop(0)


def test_who_is_right_has_no_errors(held_out):
    scores = score(Exact(held_out), held_out)
    assert scores[DICE] == {name: [1.0] * 4 for name in ("LV", "MYO", "RV", MEAN)}
    for measure in (HD95, MISSED, ERRORS):
        assert all(values == [0.0] * 4 for values in scores[measure].values()), measure


def test_what_is_missed_is_counted_and_has_no_distance(held_out):
    scores = score(HalfBlind(), held_out)
    assert scores[MISSED]["RV"] == [100.0] * 4
    assert np.isnan(scores[HD95]["RV"]).all()
    assert scores[DICE]["RV"] == [0.0] * 4
    assert scores[DICE][MEAN] == pytest.approx(
        [np.mean([scores[DICE][name][k] for name in SCHEMA.foreground]) for k in range(4)]
    )


def test_errors_are_of_the_measures(held_out):
    """A ventricle that is missed is wrong by all of its volume; what has no volume ejects nothing."""
    errors = score(HalfBlind(), held_out)[ERRORS]
    true = [subject.measures() for subject in held_out]
    assert errors["RV_EDV_ml"] == pytest.approx([measures["RV_EDV_ml"] for measures in true])
    assert np.isnan(errors["RV_EF_percent"]).all()


def test_what_is_unknown_is_not_scored(held_out):
    subject = held_out[0]
    unknown = np.zeros((subject.ed.num_slices, SCHEMA.num_classes), bool)
    unknown[:, 3] = True
    stacks = {
        phase: type(stack)(stack.image, stack.label_ids, stack.geometry, stack.intensity_window, unknown)
        for phase, stack in subject.stacks.items()
    }
    scores = score(HalfBlind(), [subject.with_stacks(stacks)])
    for measure, name in ((DICE, "RV"), (HD95, "RV"), (MISSED, "RV"), (ERRORS, "RV_EDV_ml")):
        assert math.isnan(scores[measure][name][0]), measure
    assert scores[DICE][MEAN][0] == pytest.approx(np.mean([scores[DICE][name][0] for name in ("LV", "MYO")]))


def test_stored_scores_are_json_and_come_back(held_out):
    scores = score(HalfBlind(), held_out)
    again = from_stored(json.loads(json.dumps(to_stored(scores), allow_nan=False)))
    for measure, by_name in scores.items():
        for name, values in by_name.items():
            np.testing.assert_array_equal(again[measure][name], values)
