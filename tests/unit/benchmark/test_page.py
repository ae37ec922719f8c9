import numpy as np
import pytest

from cmrtf.benchmark.page import benchmark_page
from cmrtf.benchmark.results import Result, Trial
from cmrtf.benchmark.scores import DICE, ERRORS, HD95, MEAN, MISSED
from evaluation_doubles import table

RNG = np.random.default_rng(0)
DIFFICULTY = RNG.normal(0.0, 0.05, 12)
"""Of the patients, the same for every arm."""


def _result(arm, amount, seed, gain, domain="held-out", fold=0):
    def dice(offset):
        return list(np.clip(0.8 + DIFFICULTY + gain + offset + RNG.normal(0, 0.002, 12), 0, 1))

    scores = {
        DICE: {"LV": dice(0.05), "RV": [np.nan] * 12, MEAN: dice(0.0)},
        HD95: {"LV": [5.0] * 12, "RV": [np.nan] * 12},
        MISSED: {"LV": [0.0] * 12, "RV": [np.nan] * 12},
        ERRORS: {"LV_EF_percent": [4.0] * 12, "LV_EDV_ml": [10.0] * 12, "RV_EDV_ml": [np.nan] * 12},
    }
    return Result(Trial(fold, amount), arm, seed, domain, scores)


GAINS = {("strong", 5): 0.0, ("ours", 5): 0.04, ("strong", 20): 0.08, ("ours", 20): 0.081, ("real", 20): 0.07}


@pytest.fixture(scope="module")
def page():
    results = [_result(arm, amount, seed, gain) for (arm, amount), gain in GAINS.items() for seed in (0, 1)]
    return benchmark_page(results, {"training_steps": 3})


def test_the_advice_says_what_is_best_and_by_how_much(page):
    few, many = page.sections[0].answer
    assert few.startswith("With 5 patients: real + ours is best, mean Dice 0.8")
    assert "(+0.04" in few
    assert "chance" not in few
    assert many.startswith("With 20 patients: ")


def test_the_advice_compares_with_the_best_arm_without_synthetic_data():
    """Where strong augmentation is worse than none, to beat it is no merit."""
    gains = {"real": 0.05, "strong": 0.0, "ours": 0.051}
    page = benchmark_page([_result(arm, 10, 0, gain) for arm, gain in gains.items()], {})
    assert "; real, the best without synthetic data, has 0.8" in page.sections[0].answer[0]


def test_gains_are_paired_by_patient(page):
    """The patients differ by far more than the arms do."""
    gains = table(page.sections[0], "Gain in mean Dice over real, strong augmentation").rows
    assert set(gains) == {"real", "real + ours"}, "the baseline has none"
    gain = gains["real + ours"]["5 patients"]
    assert gain.mean == pytest.approx(0.04, abs=0.003)
    assert gain.high - gain.low < 0.01
    spread = table(page.sections[0], "Mean Dice").rows["real + ours"]["5 patients"]
    assert spread.high - spread.low > 0.03


def test_structures_that_are_not_labelled_are_left_out(page):
    assert table(page.sections[0], "Dice, 5 patients").columns == ["LV", MEAN]
    assert table(page.sections[0], "HD95, 5 patients").columns == ["LV"]


def test_no_table_mixes_units(page):
    units = {
        (name, of.unit): of.columns
        for of in page.sections[0].tables
        for name in [of.title]
        if name.startswith("Absolute errors")
    }
    assert units["Absolute errors of clinical measures, 5 patients", "ml"] == ["LV_EDV_ml"]
    assert units["Absolute errors of clinical measures, 5 patients", "points"] == ["LV_EF_percent"]


def test_one_arm_and_one_training_make_a_page():
    page = benchmark_page([_result("ours", 10, 0, 0.0)], {})
    assert page.sections[0].answer == [f"With 10 patients: real + ours is best, mean Dice {_mean(page):.3f}."]
    assert "no more patients than the segmenter" in page.to_html()


def _mean(page):
    return table(page.sections[0], "Mean Dice").rows["real + ours"]["10 patients"].mean


def test_folds_are_pooled_and_have_their_own_patients():
    results = [_result("ours", 10, 0, gain, fold=fold) for fold, gain in ((0, 0.0), (1, 0.1))]
    page = benchmark_page(results, {})
    estimate = table(page.sections[0], "Mean Dice").rows["real + ours"]["10 patients"]
    assert estimate.n == 24
    assert page.facts["folds"] == 2


def test_the_page_has_the_curve_and_its_title(page):
    html = page.to_html()
    assert "<h1>Which data to train on</h1>" in html
    assert "Mean Dice by number of patients" in html
    assert html.count("data:image/png") == 1
