import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmrtf.metrics.bootstrap import (
    Estimate,
    crossed_estimate,
    mean_estimate,
    paired_difference,
    subject_mean,
)


def test_interval_of_normal_values_is_that_of_theory():
    values = np.random.default_rng(0).normal(3.0, 2.0, 400)
    estimate = mean_estimate(values)
    half_width = 1.96 * values.std() / np.sqrt(400)
    assert estimate.mean == pytest.approx(values.mean())
    assert estimate.low == pytest.approx(values.mean() - half_width, abs=0.02)
    assert estimate.high == pytest.approx(values.mean() + half_width, abs=0.02)
    assert estimate.n == 400


def test_the_interval_of_skewed_values_is_skewed():
    estimate = mean_estimate(np.random.default_rng(0).exponential(size=30) ** 2)
    assert estimate.high - estimate.mean > estimate.mean - estimate.low


def test_equal_values_have_equal_intervals():
    assert mean_estimate([1.0, 2.0, 4.0]) == mean_estimate([1.0, 2.0, 4.0])


def test_nans_are_left_out():
    assert mean_estimate([1.0, np.nan, 2.0, 4.0]) == mean_estimate([1.0, 2.0, 4.0])


def test_intervals_of_few_or_equal_values():
    assert mean_estimate([2.0, 2.0, 2.0]) == Estimate(2.0, 2.0, 2.0, 3)
    one, none = mean_estimate([5.0]), mean_estimate([np.nan])
    assert (one.mean, one.n, none.n) == (5.0, 1, 0)
    assert np.isnan([one.low, one.high, none.mean, none.low, none.high]).all()


def test_paired_difference_cancels_what_subjects_have_in_common():
    levels = np.random.default_rng(0).normal(0.0, 10.0, 20)
    better = levels + 1.0 + np.random.default_rng(1).normal(0.0, 0.1, 20)
    difference = paired_difference(better, levels)
    assert 0.8 < difference.low < difference.mean < difference.high < 1.2
    assert mean_estimate(better).low < 0.0


def test_paired_difference_leaves_out_subjects_with_one_value():
    assert paired_difference([1.0, 2.0, np.nan], [0.0, np.nan, 0.0]).n == 1


def test_subject_mean_leaves_out_nans():
    assert subject_mean([1.0, np.nan, 2.0]) == 1.5
    assert np.isnan(subject_mean([np.nan]))
    assert np.isnan(subject_mean([]))


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=8))
@settings(max_examples=20)
def test_the_interval_lies_within_the_values(values):
    estimate = mean_estimate(values)
    assert min(values) - 1e-9 <= estimate.low <= estimate.high <= max(values) + 1e-9


def test_a_single_training_has_the_interval_of_its_patients():
    values = np.random.default_rng(0).normal(0.8, 0.05, 60)
    crossed, plain = crossed_estimate([values[None]]), mean_estimate(values)
    assert crossed.mean == pytest.approx(plain.mean)
    assert (crossed.low, crossed.high) == pytest.approx((plain.low, plain.high), abs=0.003)
    assert crossed.n == 60


def test_trainings_that_differ_widen_the_interval():
    rng = np.random.default_rng(0)
    patients = rng.normal(0.8, 0.01, 40)
    alike = crossed_estimate([patients + np.zeros((4, 1))])
    unlike = crossed_estimate([patients + np.array([[-0.1], [-0.05], [0.05], [0.1]])])
    assert unlike.mean == pytest.approx(alike.mean)
    assert unlike.high - unlike.low > 5 * (alike.high - alike.low)


def test_the_interval_covers_the_mean_of_all_trainings_and_patients():
    """Two crossed factors of variance 0.02 ** 2 each, 6 trainings and 25 patients: 95 % is aimed at."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        values = rng.normal(0, 0.02, (6, 1)) + rng.normal(0, 0.02, 25) + rng.normal(0, 0.01, (6, 25))
        estimate = crossed_estimate([values])
        covered += estimate.low <= 0.0 <= estimate.high
    assert 84 <= covered <= 99


def test_groups_are_pooled_by_patient_and_what_has_no_value_is_left_out():
    first, second = np.full((2, 3), 1.0), np.full((2, 1), 5.0)
    first[:, 2] = np.nan
    estimate = crossed_estimate([first, second])
    assert (estimate.mean, estimate.n) == (pytest.approx(7.0 / 3.0), 3)


@pytest.mark.parametrize(("groups", "n"), [([], 0), ([np.full((2, 3), np.nan)], 0), ([[[0.5]]], 1)])
def test_too_few_patients_have_no_interval(groups, n):
    estimate = crossed_estimate(groups)
    assert (estimate.n, np.isnan(estimate.low)) == (n, True)
