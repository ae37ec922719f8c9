"""Prepares a cohort in shards with Apache Beam: on one machine or on many.

A shard is the unit of work, and only where files lie goes through Beam.
"""

import contextlib
import importlib.util
import io
import json
import os
import shlex
import threading
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
from cmrtf.core.files import exists, real_path, write_text
from cmrtf.core.json_files import LIST_BYTES, read_json, with_checksum
from cmrtf.core.progress import progress_bar
from cmrtf.datasets.base import RawSubject
from cmrtf.errors import CmrtfError
from cmrtf.tensorflow_start import start_tensorflow

SUBJECTS_PER_SHARD = 50
"""About 1,000 slices and 50 MB."""

MAX_REASON = 500
"""Characters of what Beam says; a failed step's message has its whole traceback in it."""


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
    local = ["--direct_running_mode=multi_threading", f"--direct_num_workers={workers or os.cpu_count()}"]
    groups = list(_groups(plan.raw.subjects, folder))

    def make() -> list[dict[str, Any]]:
        tasks = _tasks(groups, folder)
        with _progress(tasks, progress), _readable_errors(options):
            _run(tasks, [*local, *options])
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


def require_beam() -> None:
    """Check that Apache Beam is installed.

    Raises:
        CmrtfError: it is not.
    """
    if importlib.util.find_spec("apache_beam") is None:
        raise CmrtfError(
            "expected Apache Beam, which prepares cohorts in shards. Received: an environment without it. "
            "Install it with: pip install 'cmrtf[beam]'"
        )


def _run(tasks: Sequence[ShardTask], options: Sequence[str]) -> None:
    import apache_beam as beam

    with _pipeline(options) as pipeline:
        _ = pipeline | beam.Create(tasks) | beam.Reshuffle() | beam.Map(build_shard)


@contextlib.contextmanager
def _readable_errors(options: Sequence[str]) -> Iterator[None]:
    """What Beam, or where it is to run, has against options, as an error of the user."""
    try:
        yield
    except CmrtfError:
        raise
    except Exception as error:
        if not options:
            raise
        raise _refused(options, " ".join(str(error).split()) or type(error).__name__) from error


def _pipeline(options: Sequence[str]) -> Any:
    """A pipeline that has not run yet; what its options may be is not printed as a page of usage."""
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed):
            parsed = PipelineOptions(list(options))
            parsed.get_all_options()  # or some would be looked at when it runs
            return beam.Pipeline(options=parsed)
    except SystemExit as exit_:
        if not exit_.code:  # help was asked for
            raise
        raise _refused(options, printed.getvalue().rpartition(": error: ")[2].strip()) from None


def _refused(options: Sequence[str], reason: str) -> CmrtfError:
    return CmrtfError(
        f"expected options with which Apache Beam can run. Received: {shlex.join(options)}; Beam says: "
        f"{reason[:MAX_REASON]}"
    )


@contextlib.contextmanager
def _progress(tasks: Sequence[ShardTask], progress: bool) -> Iterator[None]:
    """A bar that follows the workers' reports, wherever they run."""
    total = sum(len(task.subjects) for task in tasks)
    with progress_bar(total=total, desc="prepare", unit="subject", disable=not progress) as bar:
        ended = threading.Event()

        def follow() -> None:
            while not ended.wait(1.0):
                bar.update(sum(len(task.subjects) for task in tasks if exists(task.report)) - bar.n)

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
        bar.update(total - bar.n)
