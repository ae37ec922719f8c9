"""Prepares a cohort in shards with Apache Beam: on one machine or on many.

A shard is the unit of work. Whoever gets it prepares its subjects one after another, so memory depends
neither on the cohort nor on the shard, and only where files lie goes through Beam. A shard is named by what
it is made from: one that is there already is kept.
"""

import contextlib
import importlib.util
import json
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cmrtf.cohort.build_subject import Inputs, build_subject, inputs_of
from cmrtf.cohort.cohort import MANIFEST_NAME, read_manifest
from cmrtf.cohort.plan import Plan, PreparedFiles, SubjectWarning
from cmrtf.cohort.record import VALIDATION, VOXELS
from cmrtf.cohort.shard_format import (
    SHARDS_FOLDER,
    SLICES_SUFFIX,
    SUBJECTS_SUFFIX,
    encode_slice,
    read_lines,
)
from cmrtf.cohort.shard_store import Shards
from cmrtf.core.files import new_file, sha256, write_text
from cmrtf.core.preparation import SIZE
from cmrtf.core.progress import progress_bar
from cmrtf.datasets.base import RawSubject
from cmrtf.errors import CmrtfError
from cmrtf.tensorflow_start import literal_path, start_tensorflow

SUBJECTS_PER_SHARD = 50
"""About 1,000 slices and 50 MB."""


@dataclass(frozen=True)
class ShardTask:
    """What one worker is told.

    Args:
        folder: of the shards; every worker must be able to write there.
        number: of the shard.
        subjects: who goes into it; every worker must be able to read their files.
    """

    folder: Path
    number: int
    subjects: tuple[RawSubject, ...]

    @property
    def report(self) -> Path:
        """Where the worker says how it went."""
        return self.folder / f"{self.number:05d}.json"


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
        CmrtfError: subjects cannot be used; all of them are named.
    """
    start_tensorflow()  # which writes shards
    local = ["--direct_running_mode=multi_threading", f"--direct_num_workers={workers or os.cpu_count()}"]
    tasks = _tasks(plan, folder)
    with _progress(tasks, progress):
        _run(tasks, [*local, *options])
    reports = [json.loads(task.report.read_bytes()) for task in tasks]
    names = [report["name"] for report in reports]
    complete = [report["name"] for report in reports if not report["problems"]]
    problems = [problem for report in reports for problem in report["problems"]]
    plan.require_usable(problems, _voxels_sha256(folder, complete))
    warnings = _warnings(folder, names)
    _write_manifest(folder / MANIFEST_NAME, plan, names, warnings)
    suffixes = (SLICES_SUFFIX, SUBJECTS_SUFFIX)
    paths = frozenset(folder / SHARDS_FOLDER / f"{name}{suffix}" for name in names for suffix in suffixes)
    num_unchanged = sum(
        len(task.subjects) for task, report in zip(tasks, reports, strict=True) if report["unchanged"]
    )
    return PreparedFiles(paths, warnings, num_unchanged)


def build_shard(task: ShardTask) -> None:
    """Make one shard, unless it is there, and report: its name, whether it was there, what is wrong."""
    name, unchanged, problems = "", False, []
    try:
        inputs = [inputs_of(subject) for subject in task.subjects]
        name = sha256(json.dumps(inputs).encode())[:16]
        slices, lines = (task.folder / f"{name}{suffix}" for suffix in (SLICES_SUFFIX, SUBJECTS_SUFFIX))
        unchanged = _is_complete(task.folder, name)
        if not unchanged:
            _write_shard(task.subjects, inputs, slices, lines)
    except* CmrtfError as errors:
        problems = [str(error) for error in errors.exceptions]
    report = {"name": name, "unchanged": unchanged, "problems": problems}
    write_text(task.report, json.dumps(report))


def _write_shard(subjects: Sequence[RawSubject], inputs: Sequence[Inputs], slices: Path, lines: Path) -> None:
    """Prepare and write subjects one at a time.

    Raises:
        ExceptionGroup: of a `CmrtfError` for each subject that cannot be used. There is no shard then.
    """
    import tensorflow as tf  # for its writer; who reads shards does without

    errors = []
    # The lines get their name last: what they tell of is there.
    with (
        new_file(lines) as partial_lines,
        new_file(slices) as partial_slices,
        partial_lines.open("wb") as subject_lines,
        literal_path(partial_slices) as slices_path,
        tf.io.TFRecordWriter(slices_path) as records,
    ):
        for raw, inputs_of_raw in zip(subjects, inputs, strict=True):
            try:
                built = build_subject(raw, inputs_of_raw)
            except CmrtfError as error:
                errors.append(error)
                continue
            hearts = ""
            for stack in built.subject.stacks.values():
                hearts += "".join("01"[flag] for flag in stack.has_heart.astype(int))
                for image, label_ids in zip(stack.image, stack.label_ids, strict=True):
                    records.write(encode_slice(image, label_ids))
            line = {"record": built.record.to_dict(), "hearts": hearts, "warnings": built.warnings}
            subject_lines.write(json.dumps(line).encode() + b"\n")
        if errors:
            raise ExceptionGroup("subjects that cannot be used", errors)


def _is_complete(folder: Path, name: str) -> bool:
    """Whether a shard is there, as it was made."""
    try:
        shard = Shards(folder.parent, SIZE, [name], validation=())
        for record in shard.records:
            shard.load(record)
    except (CmrtfError, KeyError, TypeError, ValueError):
        return False
    return True


def _tasks(plan: Plan, folder: Path) -> list[ShardTask]:
    """What is to be done, with no report yet."""
    shards = (folder / SHARDS_FOLDER).resolve()
    shards.mkdir(exist_ok=True)
    groups = _groups(plan.raw.subjects, folder)
    tasks = [ShardTask(shards, number, subjects) for number, subjects in enumerate(groups)]
    for task in tasks:
        task.report.unlink(missing_ok=True)
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


def _voxels_sha256(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """By code, of all subjects in some shards."""
    records = (line["record"] for line in _lines(folder, names))
    return {record["subject"]: record["source_sha256"][VOXELS] for record in records}


def _warnings(folder: Path, names: Sequence[str]) -> tuple[SubjectWarning, ...]:
    return tuple(
        SubjectWarning(line["record"]["subject"], warning)
        for line in _lines(folder, names)
        for warning in line["warnings"]
    )


def _write_manifest(path: Path, plan: Plan, names: Sequence[str], warnings: Sequence[SubjectWarning]) -> None:
    """Write how the cohort was made; the records stay in the shards."""
    manifest = {
        **plan.manifest,
        "shards": names,
        "validation": [subject for subject, split in plan.splits.items() if split == VALIDATION],
        "warnings": [asdict(warning) for warning in warnings],
    }
    write_text(path, json.dumps(manifest, indent=1))


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
    from apache_beam.options.pipeline_options import PipelineOptions

    with beam.Pipeline(options=PipelineOptions(list(options))) as pipeline:
        _ = pipeline | beam.Create(tasks) | beam.Reshuffle() | beam.Map(build_shard)


@contextlib.contextmanager
def _progress(tasks: Sequence[ShardTask], progress: bool) -> Iterator[None]:
    """A bar that follows the workers' reports, wherever they run."""
    total = sum(len(task.subjects) for task in tasks)
    with progress_bar(total=total, desc="prepare", unit="subject", disable=not progress) as bar:
        ended = threading.Event()

        def follow() -> None:
            while not ended.wait(1.0):
                bar.update(sum(len(task.subjects) for task in tasks if task.report.exists()) - bar.n)

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
        bar.update(total - bar.n)
