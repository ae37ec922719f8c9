import numpy as np
import pytest

from cmrtf.benchmark.comparison import Comparison
from cmrtf.benchmark.results import Result, Trial


def _result(arm, values, amount=5, fold=0, seed=0, domain="held-out"):
    return Result(
        Trial(fold, amount), arm, seed, domain, {"dice": {"LV": values, "RV": [np.nan] * len(values)}}
    )


RESULTS = [
    _result("strong", [0.5, 0.7]),
    _result("ours", [0.6, 0.9]),
    _result("ours", [0.8, 0.9], seed=1),
    _result("ours", [1.0], fold=1),
    _result("real", [0.2, 0.2], amount=9),
    _result("real", [0.3], domain="elsewhere"),
]
COMPARISON = Comparison(RESULTS)


def test_it_knows_what_there_is():
    assert (COMPARISON.domains, COMPARISON.amounts) == (["held-out", "elsewhere"], [5, 9])
    assert (COMPARISON.num_folds, COMPARISON.num_seeds) == (2, 2)
    assert COMPARISON.arms("held-out", 5) == ["strong", "ours"]
    assert COMPARISON.arms("elsewhere", 9) == []


def test_a_structure_without_values_is_not_named():
    assert COMPARISON.names("held-out", "dice") == ["LV"]


def test_means_are_over_patients_of_all_folds_and_trainings():
    estimate = COMPARISON.mean(("held-out", "ours", 5), "dice", "LV")
    assert (estimate.mean, estimate.n) == (pytest.approx((0.6 + 0.9 + 0.8 + 0.9 + 1.0) / 5), 3)


def test_gains_are_of_trainings_that_both_have():
    gain = COMPARISON.gain(("held-out", "ours", 5), "dice", "LV")
    assert (gain.mean, gain.n) == (pytest.approx(0.15), 2)


def test_without_a_baseline_there_is_no_gain():
    assert COMPARISON.gain(("held-out", "real", 9), "dice", "LV").n == 0
