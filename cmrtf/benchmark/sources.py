"""The subjects that the arms of one trial train on, all made of the same real ones."""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from cmrtf.benchmark.arms import OURS, RANDOMISED, REAL
from cmrtf.core.subject import Subject
from cmrtf.evaluation.subjects import interpolated_subjects, restyle
from cmrtf.synthesis.appearance import Appearance
from cmrtf.synthesis.protocols import Models
from cmrtf.synthesis.randomised_contrast import randomise_contrast


class Sources:
    """Real subjects, what the networks make of them, and their labels in random contrasts.

    Ours are the real label maps and some interpolated ones, each in an appearance drawn from the real
    subjects'. Randomised ones need no network: real label maps in real surroundings, as many as ours, each
    time in another contrast.

    Args:
        models: gives models that were trained on these real subjects alone; called when ours are asked for.
        real: at least two, in their order in the cohort.
        num_interpolated: how many of ours are interpolated.
        seed: of all that is drawn.
        progress: whether to show a bar.
    """

    def __init__(
        self,
        models: Callable[[], Models],
        real: Sequence[Subject],
        num_interpolated: int,
        seed: int,
        progress: bool = False,
    ) -> None:
        self._models = models
        self._real = list(real)
        self._num_interpolated = num_interpolated
        self._seed = seed
        self._progress = progress

    def __getitem__(self, source: str) -> list[Subject]:
        return {REAL: lambda: self._real, OURS: lambda: self._ours, RANDOMISED: lambda: self._randomised}[
            source
        ]()

    @cached_property
    def _ours(self) -> list[Subject]:
        models = self._models()
        known = [Appearance.of_subject(models.encode_style, subject) for subject in self._real]
        _, interpolated = interpolated_subjects(
            models, self._real, self._num_interpolated, self._seed, self._progress
        )
        return restyle(models, [*self._real, *interpolated], known, self._seed)

    @cached_property
    def _randomised(self) -> list[Subject]:
        rng = np.random.default_rng(self._seed)
        num_ours = len(self._real) + self._num_interpolated
        return [randomise_contrast(self._real[number % len(self._real)], rng) for number in range(num_ours)]
