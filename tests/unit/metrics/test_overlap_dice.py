import doctest

import numpy as np
import pytest

from cmrtf.core.labels import LabelSchema
from cmrtf.metrics import overlap as module
from cmrtf.metrics.overlap import dice


def test_against_counting():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 4, (2, 3, 8, 8))
    scores = dice(first, second)
    assert list(scores) == ["LV", "MYO", "RV"]
    for label, score in enumerate(scores.values(), start=1):
        both = sum(a == b == label for a, b in zip(first.flat, second.flat, strict=True))
        either = sum(a == label for a in first.flat) + sum(b == label for b in second.flat)
        assert score == pytest.approx(2 * both / either)


def test_extremes():
    lv, nothing = np.array([1, 1]), np.array([0, 0])
    assert dice(lv, lv)["LV"] == 1.0
    assert dice(lv, nothing)["LV"] == 0.0
    assert np.isnan(dice(nothing, nothing)["LV"])


def test_another_schema():
    schema = LabelSchema("other", ("background", "scar"))
    assert dice(np.array([1, 0]), np.array([1, 1]), schema) == {"scar": pytest.approx(2 / 3)}


def test_the_example_holds():
    assert doctest.testmod(module) == (0, 2)
