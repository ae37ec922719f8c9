"""Results side by side: means of arms, and what an arm gains over another."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cmrtf.benchmark.arms import ARMS, BASELINE
from cmrtf.benchmark.results import Result
from cmrtf.metrics.bootstrap import Estimate, crossed_estimate

Cell = tuple[str, str, int]
"""Domain, arm and number of patients."""

Place = tuple[int, int]
"""Fold and seed."""


class Comparison:
    """Results by what they are of.

    Args:
        results: of all students, at least one.
    """

    def __init__(self, results: Sequence[Result]) -> None:
        self._results = results
        self.domains = list(dict.fromkeys(result.domain for result in results))
        self.amounts = sorted({result.trial.amount for result in results})
        self.num_folds = len({result.trial.fold for result in results})
        self.num_seeds = len({result.seed for result in results})

    def arms(self, domain: str, amount: int) -> list[str]:
        """Those that were trained, in their usual order."""
        trained = {
            result.arm for result in self._results if (result.domain, result.trial.amount) == (domain, amount)
        }
        return [arm for arm in ARMS if arm in trained]

    def names(self, domain: str, measure: str) -> list[str]:
        """Structures or clinical measures that some result of a domain has a value of."""
        scores = [result.scores[measure] for result in self._results if result.domain == domain]
        return [name for name in scores[0] if any(not np.isnan(by[name]).all() for by in scores)]

    def mean(self, cell: Cell, measure: str, name: str) -> Estimate:
        """Mean and interval over patients and trainings."""
        return _pooled(self._values(cell, measure, name))

    def gain(self, cell: Cell, measure: str, name: str, rival: str = BASELINE) -> Estimate:
        """Over another arm, paired by patient and seed, where both were trained."""
        domain, _, amount = cell
        ours = self._values(cell, measure, name)
        theirs = self._values((domain, rival, amount), measure, name)
        return _pooled({place: ours[place] - theirs[place] for place in ours.keys() & theirs.keys()})

    def _values(self, cell: Cell, measure: str, name: str) -> dict[Place, NDArray[np.float64]]:
        """A value per patient."""
        return {
            (result.trial.fold, result.seed): np.array(result.scores[measure][name])
            for result in self._results
            if (result.domain, result.arm, result.trial.amount) == cell
        }


def _pooled(values: dict[Place, NDArray[np.float64]]) -> Estimate:
    """Patients of a fold are the same in all of its trainings, those of different folds are others."""
    by_fold: dict[int, list[NDArray[np.float64]]] = defaultdict(list)
    for (fold, _), of_patients in sorted(values.items(), key=lambda item: item[0]):
        by_fold[fold].append(of_patients)
    return crossed_estimate([np.stack(trainings) for trainings in by_fold.values()])
