"""What is to be prepared: which subjects of a raw data set, in which splits, and into which folder."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cmrtf.cohort.cohort import FORMAT_NAME, FORMAT_VERSION, PreparedCohort, read_manifest
from cmrtf.cohort.earlier import EarlierCohort
from cmrtf.cohort.record import SPLITS
from cmrtf.cohort.split import split_subjects
from cmrtf.core.issues import Issue, raise_problems
from cmrtf.core.labels import SCHEMA
from cmrtf.core.preparation import SIZE, SPACING_MM
from cmrtf.datasets.base import RawCohort, SkippedSubject
from cmrtf.datasets.layouts import leave_out, read_raw
from cmrtf.datasets.slice_orders import with_slice_orders
from cmrtf.quality.checks import duplicate_issues
from cmrtf.quality.slice_order import with_other_orders
from cmrtf.version import __version__

logger = logging.getLogger(__name__)

ADVICE = (
    "The others are done: put this right and run the same command again, or leave out who cannot be used "
    "with --skip-unusable or --exclude CODE."
)
"""When subjects cannot be used."""


@dataclass(frozen=True)
class SubjectWarning:
    """Something to look at in a subject that was prepared all the same."""

    subject: str
    warning: str


@dataclass(frozen=True)
class PreparedFiles:
    """What a cohort consists of once all its subjects are prepared and its manifest is written.

    Args:
        paths: all files that the manifest names, and those that a later run goes on with.
        members: who is in it, and who is not.
        warnings: what to look at.
        num_unchanged: how many subjects were there already.
    """

    paths: frozenset[Path]
    members: "Members"
    warnings: tuple[SubjectWarning, ...]
    num_unchanged: int


@dataclass(frozen=True)
class Members:
    """Who is in a cohort, known once all subjects have been prepared or cannot be.

    Args:
        splits: subject to `"train"` or `"validation"`.
        skipped: subjects left out on purpose, because they were to be excluded, or cannot be used.
        problems: what is wrong with those that cannot be used, by code.
        manifest: its entries so far: how the cohort is made.
    """

    splits: Mapping[str, str]
    skipped: tuple[SkippedSubject, ...]
    problems: Mapping[str, str]
    manifest: Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """What is to be prepared.

    Args:
        raw: the raw data set.
        earlier: the cohort that is to be brought up to date, if there is one.
        validation_fraction: share of subjects to hold out for validation.
        seed: of the split.
        skip_unusable: whether subjects that cannot be used are left out, and no error.
    """

    raw: RawCohort
    earlier: PreparedCohort | None
    validation_fraction: float
    seed: int
    skip_unusable: bool

    @classmethod
    def make(
        cls,
        raw: Path,
        out: Path,
        data_format: str,
        validation_fraction: float,
        seed: int,
        exclude: Sequence[str],
        skip_unusable: bool,
        slice_orders: Sequence[str],
    ) -> "Plan":
        """Find the subjects.

        Raises:
            CmrtfError: `out` is taken, a cohort there cannot be read or would lose subjects, or there is
                nothing to prepare.
        """
        earlier = EarlierCohort.find(out)
        raw_cohort = leave_out(read_raw(raw, data_format), exclude, earlier.codes)
        raw_cohort = with_slice_orders(raw_cohort, slice_orders)
        for warning in raw_cohort.warnings:
            logger.warning("%s", warning)
        earlier.require_same_data(raw, raw_cohort, exclude)
        raw_cohort = earlier.with_known_orders(raw_cohort)
        return cls(raw_cohort, earlier.cohort, validation_fraction, seed, skip_unusable)

    def settled(self, is_base_first: Mapping[str, bool | None]) -> "Plan | None":
        """The plan with what stacks in doubt of their slice order have to know of the others.

        Args:
            is_base_first: by code, as far as they could be prepared; None of those in doubt.

        Returns:
            None where that is known already.
        """
        subjects = with_other_orders(self.raw.subjects, is_base_first)
        if subjects == self.raw.subjects:
            return None
        return replace(self, raw=replace(self.raw, subjects=subjects))

    def members(self, problems: Mapping[str, str], voxels_sha256: Mapping[str, Mapping[str, str]]) -> Members:
        """Leave out who cannot be used, and split the others; who was there before keeps its split.

        Args:
            problems: what is wrong with subjects that cannot be prepared, by code.
            voxels_sha256: of what the others show, by code and role.

        Raises:
            CmrtfError: there are bad subjects that are not to be skipped, or no good ones; all are named,
                those that are there twice among them.
        """
        subjects = {subject.subject: subject for subject in self.raw.subjects}
        duplicates = duplicate_issues((subjects[code], hashes) for code, hashes in voxels_sha256.items())
        bad: dict[str, str] = {}
        for code, problem in (*_texts(self.raw.problems), *problems.items(), *_texts(duplicates)):
            bad[code] = f"{bad[code]} Also: {problem}" if bad.get(code, problem) != problem else problem
        strata = {
            code: (subject.vendor, subject.pathology) for code, subject in subjects.items() if code not in bad
        }
        if not (self.skip_unusable and strata):
            raise_problems(list(bad.values()), len(self.raw.codes), advice=ADVICE)
        skipped = (*self.raw.skipped, *(SkippedSubject(code, "cannot be used") for code in sorted(bad)))
        split = {"validation_fraction": self.validation_fraction, "seed": self.seed}
        splits = split_subjects(strata, self.validation_fraction, self.seed, self._earlier_splits(split))
        manifest = {
            "format": FORMAT_NAME,
            "version": FORMAT_VERSION,
            "cmrtf_version": __version__,
            "source_format": self.raw.format,
            "label_schema": SCHEMA.to_dict(),
            "spacing_mm": SPACING_MM,
            "size": SIZE,
            **split,
            "skipped": [asdict(each) for each in skipped],
            **_other_orders(self.raw),
        }
        return Members(splits, skipped, bad, manifest)

    def _earlier_splits(self, split: Mapping[str, Any]) -> dict[str, str]:
        """The splits of the earlier cohort if it was split in the same way."""
        if not self.earlier:
            return {}
        manifest = read_manifest(self.earlier.path)
        if any(manifest.get(name) != value for name, value in split.items()):
            return {}
        return {code: name for name in SPLITS for code in self.earlier.codes(name)}


def _texts(issues: Iterable[Issue]) -> list[tuple[str, str]]:
    """Code of each issue's subject, and what is wrong with it."""
    return [(issue.subject, str(issue)) for issue in issues]


def _other_orders(cohort: RawCohort) -> dict[str, Any]:
    """By code, what stacks in doubt of their slice order know of the others, for the manifest."""
    other_orders = {raw.subject: list(raw.other_orders) for raw in cohort.subjects if any(raw.other_orders)}
    return {"other_orders": other_orders} if other_orders else {}
