"""What is to be prepared: which subjects of a raw data set, in which splits, and into which folder."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cmrtf.cohort.cohort import FORMAT_NAME, FORMAT_VERSION, MANIFEST_NAME, PreparedCohort, read_manifest
from cmrtf.cohort.record import SPLITS
from cmrtf.cohort.split import split_subjects
from cmrtf.core.files import require_new_folder
from cmrtf.core.issues import raise_problems
from cmrtf.core.json_files import LIST_BYTES, read_json
from cmrtf.core.labels import SCHEMA
from cmrtf.core.preparation import SIZE, SPACING_MM
from cmrtf.datasets.base import RawCohort
from cmrtf.datasets.layouts import read_raw
from cmrtf.errors import CmrtfError
from cmrtf.quality.checks import duplicate_issues
from cmrtf.version import __version__

LOCK_NAME = ".preparing"
"""Marks the folder of a cohort in the making. The lock itself goes with the process that holds it."""


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
        warnings: what to look at.
        num_unchanged: how many subjects were there already.
    """

    paths: frozenset[Path]
    warnings: tuple[SubjectWarning, ...]
    num_unchanged: int


@dataclass(frozen=True)
class Plan:
    """What is to be prepared.

    Args:
        raw: the raw data set.
        splits: subject to `"train"` or `"validation"`.
        manifest: its entries so far: how the cohort is made.
    """

    raw: RawCohort
    splits: Mapping[str, str]
    manifest: Mapping[str, Any]

    @classmethod
    def make(cls, raw: Path, out: Path, data_format: str, validation_fraction: float, seed: int) -> "Plan":
        """Find the subjects and split them; those of a cohort in `out` stay in their splits.

        Raises:
            CmrtfError: `out` is taken, or there is nothing to prepare.
        """
        _require_cohort_folder(out)
        raw_cohort = read_raw(raw, data_format)
        split = {"validation_fraction": validation_fraction, "seed": seed}
        strata = {subject.subject: (subject.vendor, subject.pathology) for subject in raw_cohort.subjects}
        splits = split_subjects(strata, validation_fraction, seed, _earlier_splits(out, split))
        manifest = {
            "format": FORMAT_NAME,
            "version": FORMAT_VERSION,
            "cmrtf_version": __version__,
            "source_format": raw_cohort.format,
            "label_schema": SCHEMA.to_dict(),
            "spacing_mm": SPACING_MM,
            "size": SIZE,
            **split,
            "skipped": [asdict(skipped) for skipped in raw_cohort.skipped],
        }
        return cls(raw_cohort, splits, manifest)

    def require_usable(self, problems: Sequence[str], voxels_sha256: Mapping[str, str]) -> None:
        """Raise one error that names all bad subjects, those that are there twice among them.

        Args:
            problems: what is wrong with subjects that cannot be used.
            voxels_sha256: of the others, by code.
        """
        subjects = {subject.subject: subject for subject in self.raw.subjects}
        duplicates = duplicate_issues((subjects[code], sha256) for code, sha256 in voxels_sha256.items())
        raise_problems(
            [*map(str, self.raw.problems), *problems, *map(str, duplicates)],
            len(self.raw.subjects) + len(self.raw.problems),
        )


def _require_cohort_folder(out: Path) -> None:
    """Check that a cohort can be prepared in `out`: new or empty, a cohort, or one in the making.

    Raises:
        CmrtfError: there is something else.
    """
    if not (out / LOCK_NAME).is_file() and not _is_cohort(out):
        require_new_folder(out)


def _is_cohort(folder: Path) -> bool:
    """Whether there is a cohort, of this version or another."""
    try:
        manifest = read_json(folder / MANIFEST_NAME, dict[str, Any], "a manifest", LIST_BYTES)
    except CmrtfError:
        return False
    return manifest.get("format") == FORMAT_NAME


def _earlier_splits(out: Path, split: Mapping[str, Any]) -> dict[str, str]:
    """The splits of a cohort in `out` that was split in the same way; none if there is no such cohort."""
    try:
        manifest, cohort = read_manifest(out), PreparedCohort.open(out)
    except CmrtfError:
        return {}
    if any(manifest.get(name) != value for name, value in split.items()):
        return {}
    return {code: name for name in SPLITS for code in cohort.codes(name)}
