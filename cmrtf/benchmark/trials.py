"""Trains and scores the segmenters of a benchmark, one trial after another; what is there is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cmrtf.benchmark.arms import ARMS
from cmrtf.benchmark.clock import NETWORKS, STUDENT, Clock
from cmrtf.benchmark.domains import Domain, domains_of_fold
from cmrtf.benchmark.folds import Fold
from cmrtf.benchmark.results import Result, ResultsFolder, Trial, read_scores, write_scores
from cmrtf.benchmark.scores import score
from cmrtf.benchmark.sources import Sources
from cmrtf.benchmark.students import train_student
from cmrtf.bundle.networks import Networks
from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.cohort.part import write_part
from cmrtf.cohort.record import TRAIN
from cmrtf.core.files import exists
from cmrtf.training.train_segmenter import TrainedSegmenter

if TYPE_CHECKING:
    from cmrtf.bundle.bundle import Bundle

BUNDLE: Final = "bundle"
PREPARED: Final = "prepared"
"""Folders of a trial's networks."""


@dataclass(frozen=True)
class Job:
    """What all trials share.

    Args:
        cohort: of all patients.
        folder: of results.
        networks: trains label VAE and GAN.
        unseen: patients of other scanners.
        arms: names of those that are trained.
        training_steps: of every student.
        num_synthetic: subjects to interpolate.
        progress: whether to show progress bars.
    """

    cohort: PreparedCohort
    folder: ResultsFolder
    networks: Networks
    unseen: Sequence[Domain]
    arms: Sequence[str]
    training_steps: int
    num_synthetic: int
    progress: bool


@dataclass(frozen=True)
class SeededTrial:
    """All students of one trial that have one seed.

    Args:
        job: what it is a part of.
        fold: division of the patients.
        amount: how many of them are trained on.
        seed: of students and synthetic data.
    """

    job: Job
    fold: Fold
    amount: int
    seed: int

    @property
    def trial(self) -> Trial:
        """What it is called."""
        return Trial(self.fold.number, self.amount)

    @property
    def lacks_networks(self) -> bool:
        """Whether label VAE and GAN are still to be trained for a missing student."""
        needed = any(ARMS[arm].needs_networks for arm in self.missing)
        return needed and not exists(self._folder / BUNDLE)

    @property
    def missing(self) -> list[str]:
        """Arms whose students are not trained."""
        return [arm for arm in self.job.arms if not exists(self._student_folder(arm))]

    def results(self, clock: Clock) -> list[Result]:
        """Scores of all arms on all domains."""
        domains = [*domains_of_fold(self._part, self.fold.test), *self.job.unseen]
        return [result for arm in self.job.arms for result in self._results(arm, domains, clock)]

    def _results(self, arm: str, domains: Sequence[Domain], clock: Clock) -> list[Result]:
        """Scores of one arm; its student is read only where some of them are new."""
        student = self._trained(arm, clock) if arm in self.missing else None
        results = []
        for domain in domains:
            file = self.job.folder.scores(self.trial, arm, self.seed, domain.name)
            scores = read_scores(file, domain)
            if scores is None:
                student = student or TrainedSegmenter.load(self._student_folder(arm))
                scores = score(student, domain.subjects)
                write_scores(file, domain, scores)
            results.append(Result(self.trial, arm, self.seed, domain.name, scores))
        return results

    def _trained(self, arm: str, clock: Clock) -> TrainedSegmenter:
        if ARMS[arm].needs_networks and self.lacks_networks:
            with clock.timed(NETWORKS, f"{self.trial}: label VAE and GAN"):
                self._bundle()
        with clock.timed(STUDENT, f"{self.trial}, seed {self.seed}: {ARMS[arm].title}"):
            return train_student(
                self._student_folder(arm),
                ARMS[arm],
                self._sources,
                self.job.training_steps,
                self.seed,
                self.job.progress,
            )

    @cached_property
    def _part(self) -> PreparedCohort:
        """The cohort of the trial's patients alone."""
        folder = self._folder / PREPARED
        if exists(folder):
            return PreparedCohort.open(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        return write_part(self.job.cohort, folder, self.fold.splits(self.amount))

    @cached_property
    def _sources(self) -> Sources:
        """What students are trained on; the networks saw these patients alone."""
        real = [self._part[code] for code in self._part.codes(TRAIN)]
        return Sources(
            lambda: self._bundle().models, real, self.job.num_synthetic, self.seed, self.job.progress
        )

    def _bundle(self) -> "Bundle":
        return self.job.networks.bundle(self._part.path, self._folder)

    @property
    def _folder(self) -> Path:
        return self.job.folder.networks(self.trial)

    def _student_folder(self, arm: str) -> Path:
        return self.job.folder.student(self.trial, arm, self.seed)
