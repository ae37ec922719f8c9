"""Which patients are trained on, and which are tested: never the same."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.cohort.record import TRAIN, VALIDATION
from cmrtf.errors import CmrtfError


@dataclass(frozen=True)
class Fold:
    """Patients of one division of a cohort.

    Args:
        number: 0 for the cohort's own division.
        training: codes in an order without meaning: the first of them are any few.
        test: codes.
    """

    number: int
    training: tuple[str, ...]
    test: tuple[str, ...]

    def splits(self, amount: int) -> dict[str, str]:
        """Code to split: the first `amount` to train on, and those to test."""
        chosen = {code: TRAIN for code in self.training[:amount]}
        return chosen | {code: VALIDATION for code in self.test}


def make_folds(cohort: PreparedCohort, count: int) -> list[Fold]:
    """Divide a cohort several times, with other patients to test each time.

    Args:
        cohort: whose validation subjects are tested first.
        count: how many divisions.

    Raises:
        CmrtfError: the cohort has too few subjects to test others each time, or none to train on or to test.
    """
    training, held_out = cohort.codes(TRAIN), cohort.codes(VALIDATION)
    if not training or not held_out:
        raise CmrtfError(
            f"{cohort.path}: expected subjects to train on and to test. "
            f"Received: {len(training)} and {len(held_out)}."
        )
    most = 1 + len(training) // len(held_out)
    if count > most:
        raise CmrtfError(
            f"folds: expected {most} or fewer, with {len(held_out)} of the {len(cohort)} subjects of "
            f"{cohort.path} to test in each. Received: {count}."
        )
    first = Fold(0, _shuffled(training, 0), held_out)
    folds = [first]
    for number in range(1, count):
        start = len(first.training) - number * len(held_out)
        test = first.training[start : start + len(held_out)]
        rest = [code for code in cohort.codes() if code not in test]
        folds.append(Fold(number, _shuffled(rest, number), tuple(sorted(test))))
    return folds


def _shuffled(codes: Sequence[str], seed: int) -> tuple[str, ...]:
    return tuple(codes[i] for i in np.random.default_rng(seed).permutation(len(codes)))
