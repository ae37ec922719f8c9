"""Prepares a cohort in shards with Apache Beam: on one machine or on many.

A shard is the unit of work, and only where files lie goes through Beam.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from cmrtf.cohort.build_shard import ShardTask, build_shard
from cmrtf.cohort.cohort import MANIFEST_NAME, read_manifest
from cmrtf.cohort.entries import ReportEntry
from cmrtf.cohort.plan import Members, Plan, PreparedFiles, SubjectWarning
from cmrtf.cohort.record import VALIDATION, voxels_sha256_of
from cmrtf.cohort.shard_format import SHARDS_FOLDER, SLICES_SUFFIX, SUBJECTS_SUFFIX, read_lines
from cmrtf.core.beam import followed, run_on_beam
from cmrtf.core.files import exists, real_path, write_text
from cmrtf.core.json_files import LIST_BYTES, read_json, with_checksum
from cmrtf.datasets.base import RawSubject
from cmrtf.errors import CmrtfError
from cmrtf.tensorflow_start import start_tensorflow

SUBJECTS_PER_SHARD = 50
"""About 1,000 slices and 50 MB."""


def prepare_shards(
    plan: Plan, folder: Path, workers: int | None, progress: bool, options: Sequence[str]
) -> PreparedFiles:
    """Make all shards that are not there yet and write the manifest.

    Args:
        plan: what is to be prepared.
        folder: of the cohort, for this process and its workers alone.
        workers: shards made at the same time on this machine; default: one per processor.
        progress: whether to show a progress bar.
        options: of the pipeline; without any it runs on this machine.

    Raises:
        CmrtfError: subjects cannot be used and are not to be skipped; all of them are named.
    """
    start_tensorflow()  # which writes shards
    groups = list(_groups(plan.raw.subjects, folder))

    def make() -> list[dict[str, Any]]:
        tasks = _tasks(groups, folder)
        num_subjects = sum(len(task.subjects) for task in tasks)
        with followed("prepare", num_subjects, lambda: _num_reported(tasks), progress):
            run_on_beam(build_shard, tasks, workers, options)
        for task in tasks:
            if exists(task.refusal):
                raise CmrtfError(task.refusal.read_text(encoding="utf-8"))
        return [read_json(task.report, ReportEntry, "how a shard was made", LIST_BYTES) for task in tasks]

    reports = make()
    unchanged = {report["name"] for report in reports if report["unchanged"]}
    members = plan.members(_problems(reports), _voxels_sha256(folder, reports))
    while len(members.splits) < sum(map(len, groups)):
        # A shard is made whole or not at all: again, without those that cannot be used.
        kept = (tuple(raw for raw in group if raw.subject in members.splits) for group in groups)
        groups = [group for group in kept if group]
        reports = make()
        members = plan.members({**members.problems, **_problems(reports)}, _voxels_sha256(folder, reports))
    names = [report["name"] for report in reports]
    num_unchanged = sum(1 for _ in _lines(folder, [name for name in names if name in unchanged]))
    if settled := plan.settled(_is_base_first(folder, names)):
        files = prepare_shards(settled, folder, workers, progress, options)
        return replace(files, num_unchanged=min(num_unchanged, files.num_unchanged))
    warnings = _warnings(folder, names)
    _write_manifest(folder / MANIFEST_NAME, members, names, warnings)
    suffixes = (SLICES_SUFFIX, SUBJECTS_SUFFIX)
    paths = frozenset(folder / SHARDS_FOLDER / f"{name}{suffix}" for name in names for suffix in suffixes)
    return PreparedFiles(paths, members, warnings, num_unchanged)


def _tasks(groups: Sequence[tuple[RawSubject, ...]], folder: Path) -> list[ShardTask]:
    """What is to be done, with no report yet."""
    shards = real_path(folder / SHARDS_FOLDER)
    shards.mkdir(exist_ok=True)
    tasks = [ShardTask(shards, number, subjects) for number, subjects in enumerate(groups)]
    for task in tasks:
        task.report.unlink(missing_ok=True)
        task.refusal.unlink(missing_ok=True)
    return tasks


def _num_reported(tasks: Sequence[ShardTask]) -> int:
    """How many subjects are in shards that workers are done with."""
    return sum(len(task.subjects) for task in tasks if exists(task.report))


def _groups(subjects: Sequence[RawSubject], out: Path) -> Iterator[tuple[RawSubject, ...]]:
    """Who shares a shard: who did so in the cohort before, and newcomers with each other.

    So a shard stays as it is when others join the cohort.
    """
    remaining = {subject.subject: subject for subject in subjects}
    for codes in _shared_before(out):
        if group := tuple(remaining.pop(code) for code in codes if code in remaining):
            yield group
    newcomers = tuple(remaining.values())
    for first in range(0, len(newcomers), SUBJECTS_PER_SHARD):
        yield newcomers[first : first + SUBJECTS_PER_SHARD]


def _shared_before(out: Path) -> Iterator[list[str]]:
    """Codes of each shard of a cohort in `out`, if there is one."""
    try:
        for name in read_manifest(out).get("shards", []):
            lines = read_lines(out / SHARDS_FOLDER / f"{name}{SUBJECTS_SUFFIX}")
            yield [line["record"]["subject"] for _, line in lines]
    except CmrtfError:
        return


def _lines(folder: Path, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """What some shards tell of their subjects."""
    for name in names:
        for _, line in read_lines(folder / SHARDS_FOLDER / f"{name}{SUBJECTS_SUFFIX}"):
            yield line


def _problems(reports: Sequence[dict[str, Any]]) -> dict[str, str]:
    """What is wrong with subjects that cannot be used, by code."""
    return {code: problem for report in reports for code, problem in report["problems"].items()}


def _voxels_sha256(folder: Path, reports: Sequence[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """By code and role, of all subjects in shards that could be made."""
    names = [report["name"] for report in reports if not report["problems"]]
    records = (line["record"] for line in _lines(folder, names))
    return {record["subject"]: voxels_sha256_of(record["source_sha256"]) for record in records}


def _is_base_first(folder: Path, names: Sequence[str]) -> dict[str, bool | None]:
    """By code, how the slices of all subjects in some shards are stored; None in doubt."""
    return {
        line["record"]["subject"]: None if line["in_doubt"] else line["record"]["stack_flipped"]
        for line in _lines(folder, names)
    }


def _warnings(folder: Path, names: Sequence[str]) -> tuple[SubjectWarning, ...]:
    return tuple(
        SubjectWarning(line["record"]["subject"], warning)
        for line in _lines(folder, names)
        for warning in line["warnings"]
    )


def _write_manifest(
    path: Path, members: Members, names: Sequence[str], warnings: Sequence[SubjectWarning]
) -> None:
    """Write how the cohort was made; the records stay in the shards."""
    manifest = {
        **members.manifest,
        "shards": names,
        "validation": [subject for subject, split in members.splits.items() if split == VALIDATION],
        "warnings": [asdict(warning) for warning in warnings],
    }
    write_text(path, json.dumps(with_checksum(manifest), indent=1))
