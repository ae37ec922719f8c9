"""The page of a benchmark: which data to train on with how many patients, and all figures behind it."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from cmrtf.benchmark.arms import ARMS, BASELINE
from cmrtf.benchmark.comparison import Cell, Comparison
from cmrtf.benchmark.domains import HELD_OUT, REIMAGED
from cmrtf.benchmark.results import Result
from cmrtf.benchmark.scores import DICE, ERRORS, HD95, MEAN, MISSED
from cmrtf.evaluation.report import Evaluation
from cmrtf.evaluation.section import Section, Table
from cmrtf.metrics.bootstrap import Estimate

QUESTIONS: Final = {
    HELD_OUT: "Patients of the same scanners, whom nothing was trained on",
    REIMAGED: "The same patients in another contrast, resolution, coil and noise",
}
UNSEEN: Final = "Patients of other scanners, whom nothing was trained on"

ERROR_UNITS: Final = {"percent": "points", "ml": "ml", "g": "g"}
"""Last part of a clinical measure's name to the unit of its errors."""

MARKERS: Final = "os^vDPX*<>"


def benchmark_page(results: Sequence[Result], facts: Mapping[str, Any]) -> Evaluation:
    """All results that there are, as tables and as one page.

    Args:
        results: of students on domains, at least one.
        facts: settings of the benchmark.
    """
    comparison = Comparison(results)
    folds, seeds = comparison.num_folds, comparison.num_seeds
    return Evaluation(
        [_section(comparison, domain) for domain in comparison.domains],
        {"folds": folds, "seeds": seeds, **facts},
        "Which data to train on",
        f"Means over patients, divisions of the cohort ({folds}) and trainings of each ({seeds}), with 95 % "
        "bootstrap intervals over patients and trainings; n is the number of patients. VAE and GAN saw no "
        "more patients than the segmenter that learned from what they make. The best of several arms owes "
        "some of its lead to luck: expect less of it.",
    )


def _section(comparison: Comparison, domain: str) -> Section:
    rivals = [arm for arm in ARMS if arm != BASELINE]
    tables = [
        Table(
            "Mean Dice",
            "",
            _by_amount(comparison, domain, ARMS, comparison.mean),
            "Over structures and phases.",
        ),
        Table(
            f"Gain in mean Dice over {ARMS[BASELINE].title}",
            "",
            _by_amount(comparison, domain, rivals, comparison.gain),
            "Paired by patient and training. An interval above 0 is what is asked for.",
        ),
    ]
    for amount in comparison.amounts:
        tables += _details(comparison, domain, amount)
    return Section(
        domain,
        domain.capitalize(),
        QUESTIONS.get(domain, UNSEEN),
        tables,
        pictures={"Mean Dice by number of patients": _curves(comparison, domain)},
        answer=[_advice(comparison, domain, amount) for amount in comparison.amounts],
    )


def _patients(amount: int) -> str:
    return f"{amount} patients"


def _by_amount(
    comparison: Comparison,
    domain: str,
    arms: Sequence[str] | Mapping[str, Any],
    estimate: Callable[[Cell, str, str], Estimate],
) -> dict[str, dict[str, Estimate]]:
    """Of the mean Dice: a row per arm, a column per number of patients."""
    rows = {}
    for arm in arms:
        estimates = {
            _patients(amount): estimate((domain, arm, amount), DICE, MEAN) for amount in comparison.amounts
        }
        known = {patients: value for patients, value in estimates.items() if value.n}
        if known:
            rows[ARMS[arm].title] = known
    return rows


def _details(comparison: Comparison, domain: str, amount: int) -> Iterator[Table]:
    """By structure and by clinical measure."""

    def table(title: str, unit: str, measure: str, note: str, suffix: str = "") -> Table:
        names = [name for name in comparison.names(domain, measure) if name.endswith(suffix)]
        rows = {
            ARMS[arm].title: {name: comparison.mean((domain, arm, amount), measure, name) for name in names}
            for arm in comparison.arms(domain, amount)
            if names
        }
        return Table(f"{title}, {_patients(amount)}", unit, rows, note)

    missed = "Lower is better. A structure that was missed in a stack has no HD95 there."
    errors = "Lower is better; against the same measure of the true labels."
    yield table("Dice", "", DICE, "Of each stack.")
    yield table("HD95", "mm", HD95, missed)
    yield table("Structures missed altogether", "% of stacks", MISSED, "Lower is better.")
    for suffix, unit in ERROR_UNITS.items():  # two units are no one axis
        yield table("Absolute errors of clinical measures", unit, ERRORS, errors, f"_{suffix}")


def _advice(comparison: Comparison, domain: str, amount: int) -> str:
    """Which arm is best, and whether it beats all without synthetic data by more than chance."""
    means = {
        arm: comparison.mean((domain, arm, amount), DICE, MEAN).mean
        for arm in comparison.arms(domain, amount)
    }
    best = max(means, key=lambda arm: means[arm])
    rivals = [arm for arm in means if ARMS[arm].is_real]
    sentence = f"With {_patients(amount)}: {ARMS[best].title} is best, mean Dice {means[best]:.3f}"
    if best in rivals or not rivals:
        return f"{sentence}."
    rival = max(rivals, key=lambda arm: means[arm])
    gain = comparison.gain((domain, best, amount), DICE, MEAN, rival)
    verdict = "" if gain.low > 0 else ", which may be chance"
    return (
        f"{sentence}; {ARMS[rival].title}, the best without synthetic data, has {means[rival]:.3f} "
        f"({gain.mean:+.3f} [{gain.low:.3f}, {gain.high:.3f}]{verdict})."
    )


def _curves(comparison: Comparison, domain: str) -> bytes:
    """PNG: a line per arm."""
    figure = Figure(figsize=(9.0, 4.2), layout="constrained")
    axes = figure.subplots()
    for arm, marker in zip(ARMS, MARKERS, strict=True):
        points = [
            (amount, comparison.mean((domain, arm, amount), DICE, MEAN).mean)
            for amount in comparison.amounts
            if arm in comparison.arms(domain, amount)
        ]
        if points:
            axes.plot(*zip(*points, strict=True), marker=marker, label=ARMS[arm].title)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator([float(amount) for amount in comparison.amounts]))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(xlabel="patients to train on", ylabel="mean Dice")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=110)
    return buffer.getvalue()
