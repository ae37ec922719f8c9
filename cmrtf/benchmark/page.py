"""The page of a benchmark: which data to train on with how many patients, and all figures behind it."""

import io
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter
from numpy.typing import NDArray

from cmrtf.benchmark.arms import ARMS, BASELINE
from cmrtf.benchmark.domains import HELD_OUT, REIMAGED
from cmrtf.benchmark.results import Result
from cmrtf.benchmark.scores import DICE, ERRORS, HD95, MEAN, MISSED
from cmrtf.evaluation.report import Evaluation
from cmrtf.evaluation.section import Section, Table
from cmrtf.metrics.bootstrap import Estimate, crossed_estimate

Cell = tuple[str, str, int]
"""Domain, arm and number of patients."""

QUESTIONS: Final = {
    HELD_OUT: "Patients of the same scanners, whom nothing was trained on",
    REIMAGED: "The same patients in another contrast, resolution, coil and noise",
}

ERROR_UNITS: Final = {"percent": "points", "ml": "ml", "g": "g"}

MARKERS: Final = "os^vDPX*<>"


def benchmark_page(results: Sequence[Result], facts: Mapping[str, Any]) -> Evaluation:
    """All results that there are, as tables and as one page.

    Args:
        results: of students on domains.
        facts: settings of the benchmark.
    """
    table = _ResultsTable(results)
    seeds = {result.seed for result in results}
    folds = {result.trial.fold for result in results}
    return Evaluation(
        [_section(table, domain) for domain in table.domains],
        {"folds": len(folds), "seeds": len(seeds), **facts},
        "Which data to train on",
        f"Means over patients, divisions of the cohort ({len(folds)}) and trainings of each ({len(seeds)}), "
        "with 95 % bootstrap intervals over patients and trainings; n is the number of patients. VAE and "
        "GAN saw no more patients than the segmenter that learned from what they make.",
    )


class _ResultsTable:
    """Results by what they are of.

    Args:
        results: of all students.
    """

    def __init__(self, results: Sequence[Result]) -> None:
        self._results = results
        self._by_cell: dict[Cell, list[Result]] = defaultdict(list)
        for result in results:
            self._by_cell[result.domain, result.arm, result.trial.amount].append(result)
        self.domains = list(dict.fromkeys(result.domain for result in results))
        self.amounts = sorted({result.trial.amount for result in results})

    def arms(self, domain: str, amount: int) -> list[str]:
        """Those that were trained, in their usual order."""
        return [arm for arm in ARMS if (domain, arm, amount) in self._by_cell]

    def names(self, domain: str, measure: str) -> list[str]:
        """Structures or clinical measures that some result of a domain has a value of."""
        scores = [of.scores[measure] for of in self._results if of.domain == domain]
        return [name for name in scores[0] if any(not np.isnan(by[name]).all() for by in scores)]

    def estimate(self, cell: Cell, measure: str, name: str) -> Estimate:
        """Mean and interval of one measure."""
        return crossed_estimate(list(self._values(cell, measure, name).values()))

    def gain(self, cell: Cell, measure: str, name: str) -> Estimate:
        """Of an arm over the baseline, paired by patient and seed; over the folds and seeds of both."""
        domain, _, amount = cell
        ours = self._by_seed(cell, measure, name)
        others = self._by_seed((domain, BASELINE, amount), measure, name)
        both = sorted(ours.keys() & others.keys())
        differences: dict[int, list[NDArray[np.float64]]] = defaultdict(list)
        for fold, seed in both:
            differences[fold].append(ours[fold, seed] - others[fold, seed])
        return crossed_estimate([np.stack(of) for of in differences.values()])

    def _values(self, cell: Cell, measure: str, name: str) -> dict[int, NDArray[np.float64]]:
        """By fold, `(trainings, patients)`."""
        by_fold: dict[int, list[NDArray[np.float64]]] = defaultdict(list)
        for (fold, _), values in sorted(self._by_seed(cell, measure, name).items()):
            by_fold[fold].append(values)
        return {fold: np.stack(values) for fold, values in by_fold.items()}

    def _by_seed(self, cell: Cell, measure: str, name: str) -> dict[tuple[int, int], NDArray[np.float64]]:
        """By fold and seed, a value per patient."""
        return {
            (result.trial.fold, result.seed): np.array(result.scores[measure][name])
            for result in self._by_cell.get(cell, [])
        }


def _section(table: _ResultsTable, domain: str) -> Section:
    return Section(
        domain,
        domain.capitalize(),
        QUESTIONS.get(domain, "Patients of other scanners, whom nothing was trained on"),
        [
            _by_amount(table, domain, "Mean Dice", table.estimate, "Over structures and phases."),
            _by_amount(
                table,
                domain,
                f"Gain in mean Dice over {ARMS[BASELINE].title}",
                table.gain,
                "Paired by patient and training. An interval above 0 is what is asked for.",
            ),
            *(of for amount in table.amounts for of in _details(table, domain, amount)),
        ],
        pictures={"Mean Dice by number of patients": _curves(table, domain)},
        answer=[_advice(table, domain, amount) for amount in table.amounts],
    )


def _patients(amount: int) -> str:
    return f"{amount} patients"


def _by_amount(
    table: _ResultsTable,
    domain: str,
    title: str,
    estimate: Callable[[Cell, str, str], Estimate],
    note: str,
) -> Table:
    """A row per arm, a column per number of patients."""
    rows: dict[str, dict[str, Estimate]] = defaultdict(dict)
    for amount in table.amounts:
        for arm in table.arms(domain, amount):
            if estimate == table.gain and arm == BASELINE:
                continue
            rows[ARMS[arm].title][_patients(amount)] = estimate((domain, arm, amount), DICE, MEAN)
    return Table(title, "", _without_empty(rows), note)


def _details(table: _ResultsTable, domain: str, amount: int) -> list[Table]:
    """By structure and by clinical measure."""

    def of(measure: str, names: Sequence[str]) -> dict[str, dict[str, Estimate]]:
        return {
            ARMS[arm].title: {name: table.estimate((domain, arm, amount), measure, name) for name in names}
            for arm in table.arms(domain, amount)
        }

    trained_on = f", {_patients(amount)}"
    tables = [
        Table(f"Dice{trained_on}", "", of(DICE, table.names(domain, DICE)), "Of each stack."),
        Table(
            f"HD95{trained_on}",
            "mm",
            of(HD95, table.names(domain, HD95)),
            "Lower is better. A structure that was missed in a stack has no HD95 there.",
        ),
        Table(
            f"Structures missed altogether{trained_on}",
            "% of stacks",
            of(MISSED, table.names(domain, MISSED)),
            "Lower is better.",
        ),
    ]
    measured = table.names(domain, ERRORS)
    for suffix, unit in ERROR_UNITS.items():
        names = [name for name in measured if name.endswith(f"_{suffix}")]
        if names:
            tables.append(
                Table(
                    f"Absolute errors of clinical measures{trained_on}",
                    unit,
                    of(ERRORS, names),
                    "Lower is better; against the same measure of the true labels.",
                )
            )
    return tables


def _without_empty(rows: Mapping[str, dict[str, Estimate]]) -> dict[str, dict[str, Estimate]]:
    return {
        name: estimates
        for name, estimates in rows.items()
        if any(estimate.n for estimate in estimates.values())
    }


def _advice(table: _ResultsTable, domain: str, amount: int) -> str:
    """Which arm is best, and whether that is more than chance."""
    means = {
        arm: table.estimate((domain, arm, amount), DICE, MEAN).mean for arm in table.arms(domain, amount)
    }
    best = max(means, key=lambda arm: means[arm])
    sentence = f"With {_patients(amount)}: {ARMS[best].title} is best, mean Dice {means[best]:.3f}"
    if best == BASELINE or BASELINE not in means:
        return f"{sentence}."
    gain = table.gain((domain, best, amount), DICE, MEAN)
    verdict = "" if gain.low > 0 else ", which may be chance"
    return (
        f"{sentence}; {ARMS[BASELINE].title} has {means[BASELINE]:.3f} "
        f"({gain.mean:+.3f} [{gain.low:.3f}, {gain.high:.3f}]{verdict})."
    )


def _curves(table: _ResultsTable, domain: str) -> bytes:
    """PNG: a line per arm."""
    figure = Figure(figsize=(9.0, 4.2), layout="constrained")
    axes = figure.subplots()
    for arm, marker in zip(ARMS, MARKERS, strict=True):
        points = [
            (amount, table.estimate((domain, arm, amount), DICE, MEAN).mean)
            for amount in table.amounts
            if arm in table.arms(domain, amount)
        ]
        if points:
            axes.plot(*zip(*points, strict=True), marker=marker, label=ARMS[arm].title)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator([float(amount) for amount in table.amounts]))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(xlabel="patients to train on", ylabel="mean Dice")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=110)
    return buffer.getvalue()
