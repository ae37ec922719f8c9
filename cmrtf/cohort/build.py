"""Builds a prepared cohort from a raw data set: read, prepare, split, write; only what is not there yet."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from cmrtf.cohort.build_subject import Inputs, build_subject, inputs_of, sha256
from cmrtf.cohort.cohort import FORMAT_NAME, FORMAT_VERSION, MANIFEST_NAME, PreparedCohort, read_manifest
from cmrtf.cohort.folder import claimed, require_cohort_folder, sweep, written_whole
from cmrtf.cohort.npz_store import SUBJECTS_FOLDER, subject_file
from cmrtf.cohort.record import SPLITS, VOXELS, SubjectRecord
from cmrtf.cohort.split import split_subjects
from cmrtf.core.issues import raise_problems
from cmrtf.core.labels import SCHEMA
from cmrtf.core.preparation import SIZE, SPACING_MM
from cmrtf.datasets.base import RawCohort, RawSubject, SkippedSubject
from cmrtf.datasets.readers import AUTO, read_raw
from cmrtf.errors import CmrtfError
from cmrtf.quality.checks import duplicate_issues
from cmrtf.version import __version__


@dataclass(frozen=True)
class SubjectWarning:
    """Something to look at in a subject that was prepared all the same."""

    subject: str
    warning: str


@dataclass(frozen=True)
class BuiltCohort:
    """What `build_cohort` made.

    Args:
        cohort: the prepared cohort, in its final place.
        data_format: the reader that was used.
        skipped: subjects left out on purpose.
        warnings: what to look at.
        kept: how many subjects were there already.
    """

    cohort: PreparedCohort
    data_format: str
    skipped: tuple[SkippedSubject, ...]
    warnings: tuple[SubjectWarning, ...]
    kept: int


@dataclass(frozen=True)
class Plan:
    """What is to be prepared, and where it goes.

    Args:
        found: the raw data set.
        splits: subject to `"train"` or `"validation"`.
        manifest: its entries so far: how the cohort is made.
    """

    found: RawCohort
    splits: Mapping[str, str]
    manifest: dict[str, Any]

    @classmethod
    def make(cls, raw: Path, out: Path, data_format: str, validation_fraction: float, seed: int) -> "Plan":
        """Find the subjects and split them; those of a cohort in `out` stay in their splits.

        Raises:
            CmrtfError: `out` is taken, or there is nothing to prepare.
        """
        require_cohort_folder(out)
        found = read_raw(raw, data_format)
        split = {"validation_fraction": validation_fraction, "seed": seed}
        strata = {subject.subject: (subject.vendor, subject.pathology) for subject in found.subjects}
        splits = split_subjects(strata, validation_fraction, seed, _assigned(out, split))
        manifest = {
            "format": FORMAT_NAME,
            "version": FORMAT_VERSION,
            "cmrtf_version": __version__,
            "source_format": found.format,
            "label_schema": SCHEMA.to_dict(),
            "spacing_mm": SPACING_MM,
            "size": SIZE,
            **split,
            "skipped": [asdict(skipped) for skipped in found.skipped],
        }
        return cls(found, splits, manifest)

    def require_usable(self, failures: Sequence[str], voxels_sha256: Mapping[str, str]) -> None:
        """Raise one error that names all bad subjects, those that are there twice among them.

        Args:
            failures: what is wrong with subjects that cannot be used.
            voxels_sha256: of the others, by code.
        """
        of_code = {subject.subject: subject for subject in self.found.subjects}
        duplicates = duplicate_issues((of_code[code], sha) for code, sha in voxels_sha256.items())
        problems = [*map(str, self.found.problems), *failures, *map(str, duplicates)]
        raise_problems(problems, len(self.found.subjects) + len(self.found.problems))


def build_cohort(
    raw: Path,
    out: Path,
    data_format: str = AUTO,
    validation_fraction: float = 0.2,
    seed: int = 0,
    workers: int | None = None,
    progress: bool = False,
) -> BuiltCohort:
    """Prepare a raw data set; `out` becomes a cohort, or another one, when all of it is done.

    Subjects that are there already and whose files have not changed are kept: those of the cohort that is
    to be brought up to date, and those that an interrupted run has finished.

    Args:
        raw: folder of the raw data set.
        out: folder that does not exist or is empty, or a prepared cohort, or one in the making.
        data_format: a reader's name, or `"auto"`.
        validation_fraction: share of subjects to hold out for validation.
        seed: of the split.
        workers: subjects prepared at the same time; default: one per processor.
        progress: whether to show a progress bar.

    Raises:
        CmrtfError: `out` is taken or cannot be written, or subjects cannot be used (all of them are named).
    """
    plan = Plan.make(raw, out, data_format, validation_fraction, seed)
    subjects = plan.found.subjects
    with claimed(out) as folder:
        (folder / SUBJECTS_FOLDER).mkdir(exist_ok=True)
        kept, voxels_sha256, failures = _prepare_all(subjects, folder, workers, progress)
        plan.require_usable(failures, voxels_sha256)
        warnings = _write_manifest(folder, plan)
        cohort = PreparedCohort.open(out)
        files = {subject_file(folder, record) for record in cohort.records}
        sweep(folder, files | {_note(folder, subject) for subject in cohort.subjects()})
    return BuiltCohort(cohort, plan.found.format, plan.found.skipped, warnings, kept)


def _prepare_all(
    subjects: Sequence[RawSubject], folder: Path, workers: int | None, progress: bool
) -> tuple[int, dict[str, str], list[str]]:
    """How many subjects were there already, the hash of each one's voxels, and what is wrong with others."""

    def prepare(subject: RawSubject) -> tuple[bool, SubjectRecord] | CmrtfError:
        try:
            return _prepare_one(subject, folder)
        except CmrtfError as error:
            return error

    kept, failures = 0, []
    voxels_sha256: dict[str, str] = {}
    # Threads do: unzipping, hashing and matrix products run outside the interpreter lock.
    pool = ThreadPoolExecutor(workers or os.cpu_count())
    try:
        results = pool.map(prepare, subjects)
        with tqdm(results, "prepare", len(subjects), unit="subject", disable=not progress) as bar:
            for result in bar:
                if isinstance(result, CmrtfError):
                    failures.append(str(result))
                else:
                    was_there, record = result
                    voxels_sha256[record.subject] = record.source_sha256[VOXELS]
                    kept += was_there
                    bar.set_postfix(kept=kept, refresh=False)
    finally:
        pool.shutdown(cancel_futures=True)
    return kept, voxels_sha256, failures


def _prepare_one(raw: RawSubject, folder: Path) -> tuple[bool, SubjectRecord]:
    """Prepare and write one subject, unless it is there; whether it was, and its record."""
    inputs = inputs_of(raw)
    note = _note(folder, raw.subject)
    if record := _done(folder, note, inputs):
        return True, record
    built = build_subject(raw, inputs)
    with written_whole(subject_file(folder, built.record)) as file:
        file.write(built.npz)
    # The note comes last: what it says is there.
    with written_whole(note) as file:
        values = {"inputs": inputs, "warnings": built.warnings, "record": built.record.to_dict()}
        file.write(json.dumps(values).encode())
    return False, built.record


def _note(folder: Path, subject: str) -> Path:
    """What a later run needs to know of a subject that is done."""
    return folder / SUBJECTS_FOLDER / f"{subject}.json"


def _done(folder: Path, note: Path, inputs: Inputs) -> SubjectRecord | None:
    """The record of a subject that was made of just these inputs and is undamaged."""
    try:
        values = json.loads(note.read_bytes())
        record = SubjectRecord.from_dict(values["record"])
        made = sha256(subject_file(folder, record).read_bytes())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return record if values["inputs"] == inputs and made == record.file_sha256 else None


def _write_manifest(folder: Path, plan: Plan) -> tuple[SubjectWarning, ...]:
    """Write down what was made and how, from the notes, a subject at a time; the warnings in them."""
    warnings: list[SubjectWarning] = []

    def records() -> Iterator[dict[str, Any]]:
        for subject, split in plan.splits.items():
            note = json.loads(_note(folder, subject).read_bytes())
            warnings.extend(SubjectWarning(subject, text) for text in note["warnings"])
            yield note["record"] | {"split": split}

    with written_whole(folder / MANIFEST_NAME) as file:
        file.write(json.dumps(plan.manifest, indent=1).removesuffix("\n}").encode())
        for number, record in enumerate(records()):
            file.write(b",\n " if number else b',\n "subjects": [\n ')
            file.write(json.dumps(record).encode())
        file.write(f'\n ],\n "warnings": {json.dumps([asdict(w) for w in warnings])}\n}}\n'.encode())
    return tuple(warnings)


def _assigned(out: Path, split: Mapping[str, Any]) -> dict[str, str]:
    """The splits of a cohort in `out` that was split in the same way; none if there is no such cohort."""
    try:
        manifest, cohort = read_manifest(out), PreparedCohort.open(out)
    except CmrtfError:
        return {}
    if any(manifest.get(name) != value for name, value in split.items()):
        return {}
    return {subject: name for name in SPLITS for subject in cohort.subjects(name)}
