"""Prepares a cohort as one npz for each subject, and its records in the manifest."""

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cmrtf.cohort.build_subject import Inputs, build_subject, inputs_of
from cmrtf.cohort.cohort import MANIFEST_NAME
from cmrtf.cohort.entries import NoteEntry
from cmrtf.cohort.npz_store import SUBJECTS_FOLDER, subject_file
from cmrtf.cohort.plan import Plan, PreparedFiles, SubjectWarning
from cmrtf.cohort.record import SubjectRecord, voxels_sha256_of
from cmrtf.core.files import new_file, sha256_of, write_text
from cmrtf.core.json_files import CHECKSUM, read_json, with_checksum
from cmrtf.core.progress import progress_bar
from cmrtf.datasets.base import RawSubject
from cmrtf.errors import CmrtfError


@dataclass(frozen=True)
class _Prepared:
    """A subject whose files are in place.

    Args:
        record: its record, without a split.
        warnings: what to look at.
        is_order_in_doubt: whether how its slices are stored is a guess.
        is_unchanged: whether it was there already.
    """

    record: SubjectRecord
    warnings: tuple[str, ...]
    is_order_in_doubt: bool
    is_unchanged: bool

    @property
    def is_base_first(self) -> bool | None:
        """How its slices are stored; None in doubt."""
        return None if self.is_order_in_doubt else self.record.stack_flipped


def prepare_files(plan: Plan, folder: Path, workers: int | None, progress: bool) -> PreparedFiles:
    """Prepare all subjects that are not there yet and write the manifest.

    Args:
        plan: what is to be prepared.
        folder: of the cohort, for this process alone.
        workers: subjects prepared at the same time; default: one per processor.
        progress: whether to show a progress bar.

    Raises:
        CmrtfError: subjects cannot be used and are not to be skipped; all of them are named.
    """
    (folder / SUBJECTS_FOLDER).mkdir(exist_ok=True)
    subjects, problems = _prepare_all(plan.raw.subjects, folder, workers, progress)
    if settled := plan.settled({subject.record.subject: subject.is_base_first for subject in subjects}):
        files = prepare_files(settled, folder, workers, progress)
        num_unchanged = sum(subject.is_unchanged for subject in subjects)
        return replace(files, num_unchanged=min(num_unchanged, files.num_unchanged))
    voxels = {subject.record.subject: voxels_sha256_of(subject.record.source_sha256) for subject in subjects}
    members = plan.members(problems, voxels)
    subjects = [subject for subject in subjects if subject.record.subject in members.splits]
    warnings = tuple(
        SubjectWarning(subject.record.subject, text) for subject in subjects for text in subject.warnings
    )
    records = [replace(subject.record, split=members.splits[subject.record.subject]) for subject in subjects]
    write_manifest(folder / MANIFEST_NAME, members.manifest, records, warnings)
    paths = (
        path for record in records for path in (subject_file(folder, record), _note(folder, record.subject))
    )
    num_unchanged = sum(subject.is_unchanged for subject in subjects)
    return PreparedFiles(frozenset(paths), members, warnings, num_unchanged)


def _prepare_all(
    subjects: Sequence[RawSubject], folder: Path, workers: int | None, progress: bool
) -> tuple[list[_Prepared], dict[str, str]]:
    """Prepare all subjects that can be used, and say what is wrong with the others, by their codes."""

    def prepare(raw: RawSubject) -> _Prepared | CmrtfError:
        try:
            return _prepare_one(raw, folder)
        except CmrtfError as error:
            return error

    prepared: list[_Prepared] = []
    problems: dict[str, str] = {}
    num_unchanged = 0
    # Threads do: unzipping, hashing and matrix products run outside the interpreter lock.
    pool = ThreadPoolExecutor(workers or os.cpu_count())
    try:
        results = pool.map(prepare, subjects)
        with progress_bar(results, "prepare", len(subjects), unit="subject", disable=not progress) as bar:
            for raw, result in zip(subjects, bar, strict=True):
                if isinstance(result, CmrtfError):
                    problems[raw.subject] = str(result)
                else:
                    prepared.append(result)
                    num_unchanged += result.is_unchanged
                    bar.set_postfix(kept=num_unchanged, refresh=False)
    finally:
        pool.shutdown(cancel_futures=True)
    return prepared, problems


def _prepare_one(raw: RawSubject, folder: Path) -> _Prepared:
    """Prepare and write one subject, unless it is there."""
    inputs = inputs_of(raw)
    note = _note(folder, raw.subject)
    if unchanged := _unchanged(folder, note, inputs):
        return unchanged
    built = build_subject(raw, inputs)
    with new_file(subject_file(folder, built.record)) as partial:
        partial.write_bytes(built.npz)
    # The note comes last: what it says is there.
    values = {"inputs": inputs, "warnings": built.warnings, "in_doubt": built.is_order_in_doubt}
    write_text(note, json.dumps(with_checksum(values | {"record": built.record.to_dict()})))
    return _Prepared(built.record, built.warnings, built.is_order_in_doubt, is_unchanged=False)


def _note(folder: Path, code: str) -> Path:
    """What a later run needs to know of a subject that is prepared: inputs, warnings and record."""
    return folder / SUBJECTS_FOLDER / f"{code}.json"


def _unchanged(folder: Path, note: Path, inputs: Inputs) -> _Prepared | None:
    """A subject that was made of just these inputs and is undamaged."""
    try:
        values = read_json(note, NoteEntry, "what is known of a prepared subject")
        record, warnings = SubjectRecord.from_dict(values["record"]), tuple(values["warnings"])
        in_doubt = values["in_doubt"]
        is_undamaged = sha256_of(subject_file(folder, record)) == record.file_sha256
    except CmrtfError:
        return None
    is_current = is_undamaged and values["inputs"] == inputs
    return _Prepared(record, warnings, in_doubt, is_unchanged=True) if is_current else None


def write_manifest(
    path: Path,
    plan_entries: Mapping[str, Any],
    records: Sequence[SubjectRecord],
    warnings: Sequence[SubjectWarning],
) -> None:
    """Write how the cohort was made, with an indent of 1, and each record in a line of its own."""
    entries = {name: json.dumps(value, indent=1).replace("\n", "\n ") for name, value in plan_entries.items()}
    lines = ",\n ".join(json.dumps(record.to_dict()) for record in records)
    entries["subjects"] = f"[\n {lines}\n ]"
    plain_warnings = [asdict(warning) for warning in warnings]
    entries["warnings"] = json.dumps(plain_warnings)
    subjects = [record.to_dict() for record in records]
    all_entries = with_checksum({**plan_entries, "subjects": subjects, "warnings": plain_warnings})
    entries[CHECKSUM] = json.dumps(all_entries[CHECKSUM])
    text = ",\n".join(f' "{name}": {value}' for name, value in entries.items())
    write_text(path, f"{{\n{text}\n}}\n")
