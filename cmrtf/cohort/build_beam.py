"""Builds a prepared cohort in shards with Apache Beam: on one machine or on many.

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

from tqdm.auto import tqdm

from cmrtf.cohort.build import BuiltCohort, Plan, SubjectWarning
from cmrtf.cohort.build_subject import Inputs, build_subject, inputs_of, sha256
from cmrtf.cohort.cohort import MANIFEST_NAME, PreparedCohort, read_manifest
from cmrtf.cohort.folder import claimed, partial_name, sweep, written_whole
from cmrtf.cohort.record import VOXELS
from cmrtf.cohort.shard_store import (
    SHARDS_FOLDER,
    SLICES_SUFFIX,
    SUBJECTS_SUFFIX,
    encode_slice,
    read_lines,
    record_bytes,
)
from cmrtf.core.preparation import SIZE
from cmrtf.datasets.base import RawSubject
from cmrtf.datasets.readers import AUTO
from cmrtf.errors import CmrtfError

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


def build_sharded_cohort(
    raw: Path,
    out: Path,
    data_format: str = AUTO,
    validation_fraction: float = 0.2,
    seed: int = 0,
    workers: int | None = None,
    progress: bool = False,
    beam_options: Sequence[str] = (),
) -> BuiltCohort:
    """As `build_cohort`, into shards; those that are there already and whose files have not changed are kept.

    Args:
        raw: folder of the raw data set.
        out: folder that does not exist or is empty, or a prepared cohort, or one in the making.
        data_format: a reader's name, or `"auto"`.
        validation_fraction: share of subjects to hold out for validation.
        seed: of the split.
        workers: shards made at the same time on this machine; default: one per processor.
        progress: whether to show a progress bar.
        beam_options: of the pipeline; without any it runs on this machine.

    Raises:
        CmrtfError: Beam is not installed, `out` is taken or cannot be written, or subjects cannot be used
            (all of them are named).
    """
    _require_beam()
    plan = Plan.make(raw, out, data_format, validation_fraction, seed)
    local = ["--direct_running_mode=multi_threading", f"--direct_num_workers={workers or os.cpu_count()}"]
    with claimed(out) as folder:
        tasks = _tasks(plan, folder)
        with _progress(tasks, progress):
            _run(tasks, [*local, *beam_options])
        reports = [json.loads(task.report.read_bytes()) for task in tasks]
        names = [report["name"] for report in reports]
        problems = [problem for report in reports for problem in report["problems"]]
        whole = [report["name"] for report in reports if not report["problems"]]
        plan.require_usable(problems, _voxels_sha256(folder, whole))
        warnings = _write_manifest(folder, plan, names)
        suffixes = (SLICES_SUFFIX, SUBJECTS_SUFFIX)
        sweep(folder, {folder / SHARDS_FOLDER / f"{name}{suffix}" for name in names for suffix in suffixes})
    kept = sum(len(task.subjects) for task, report in zip(tasks, reports, strict=True) if report["kept"])
    return BuiltCohort(PreparedCohort.open(out), plan.found.format, plan.found.skipped, warnings, kept)


def build_shard(task: ShardTask) -> None:
    """Make one shard, unless it is there, and report: its name, whether it was kept, what is wrong."""
    name, kept, problems = "", False, []
    try:
        inputs = [inputs_of(subject) for subject in task.subjects]
        name = sha256(json.dumps(inputs).encode())[:16]
        slices, lines = (task.folder / f"{name}{suffix}" for suffix in (SLICES_SUFFIX, SUBJECTS_SUFFIX))
        kept = _is_complete(slices, lines)
        if not kept:
            problems = _write_shard(task.subjects, inputs, slices, lines)
    except CmrtfError as error:
        problems = [str(error)]
    with written_whole(task.report) as file:
        file.write(json.dumps({"name": name, "kept": kept, "problems": problems}).encode())


def _write_shard(
    subjects: Sequence[RawSubject], inputs: Sequence[Inputs], slices: Path, lines: Path
) -> list[str]:
    """Prepare and write subjects one at a time; what is wrong with those that cannot be used.

    With any of those there is no shard.
    """
    import tensorflow as tf  # for its writer; who reads shards does without

    problems = []
    partial_slices, partial_lines = partial_name(slices), partial_name(lines)
    with tf.io.TFRecordWriter(str(partial_slices)) as records, partial_lines.open("wb") as subject_lines:
        for raw, made_of in zip(subjects, inputs, strict=True):
            try:
                built = build_subject(raw, made_of)
            except CmrtfError as error:
                problems.append(str(error))
                continue
            hearts = ""
            for phase in built.record.phases:
                images, labels = built.arrays[f"{phase}_image"], built.arrays[f"{phase}_label"]
                hearts += "".join("01"[flag] for flag in labels.any(axis=(1, 2)).astype(int))
                for image, label_ids in zip(images, labels, strict=True):
                    records.write(encode_slice(image, label_ids))
            line = {"record": built.record.to_dict(), "hearts": hearts, "warnings": built.warnings}
            subject_lines.write(json.dumps(line).encode() + b"\n")
    if not problems:
        os.replace(partial_slices, slices)
        os.replace(partial_lines, lines)  # last: what they tell of is there
    return problems


def _is_complete(slices: Path, lines: Path) -> bool:
    """Whether a shard is there, with all its slices."""
    if not (slices.is_file() and lines.is_file()):
        return False
    try:
        num_slices = sum(len(line["hearts"]) for _, line in read_lines(lines))
    except CmrtfError:
        return False
    return slices.stat().st_size == num_slices * record_bytes(SIZE)


def _tasks(plan: Plan, folder: Path) -> list[ShardTask]:
    """What is to be done, with no report yet."""
    shards = (folder / SHARDS_FOLDER).resolve()
    shards.mkdir(exist_ok=True)
    groups = _groups(plan.found.subjects, folder)
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


def _voxels_sha256(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """By code, of all subjects in some shards."""
    records = (
        line["record"]
        for name in names
        for _, line in read_lines(folder / SHARDS_FOLDER / f"{name}{SUBJECTS_SUFFIX}")
    )
    return {record["subject"]: record["source_sha256"][VOXELS] for record in records}


def _write_manifest(folder: Path, plan: Plan, names: Sequence[str]) -> tuple[SubjectWarning, ...]:
    """Write down what was made and how; the records stay in the shards."""
    warnings = tuple(
        SubjectWarning(line["record"]["subject"], text)
        for name in names
        for _, line in read_lines(folder / SHARDS_FOLDER / f"{name}{SUBJECTS_SUFFIX}")
        for text in line["warnings"]
    )
    manifest = plan.manifest | {
        "shards": names,
        "validation": [subject for subject, split in plan.splits.items() if split == "validation"],
        "warnings": [asdict(warning) for warning in warnings],
    }
    with written_whole(folder / MANIFEST_NAME) as file:
        file.write(json.dumps(manifest, indent=1).encode())
    return warnings


def _require_beam() -> None:
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
def _progress(tasks: Sequence[ShardTask], shown: bool) -> Iterator[None]:
    """A bar that follows the workers' reports, wherever they run."""
    total = sum(len(task.subjects) for task in tasks)
    with tqdm(total=total, desc="prepare", unit="subject", disable=not shown) as bar:
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
