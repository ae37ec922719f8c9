"""Makes one shard: what a worker of Apache Beam does.

It prepares its subjects one after another, so memory depends neither on the cohort nor on the shard. A shard
is named by what it is made from: one that is there already is kept.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cmrtf.cohort.build_subject import Inputs, build_subject, inputs_of
from cmrtf.cohort.shard_format import SLICES_SUFFIX, SUBJECTS_SUFFIX, encode_slice
from cmrtf.cohort.shard_store import Shards
from cmrtf.core.files import new_file, sha256, write_text, writing_to
from cmrtf.core.json_files import with_checksum
from cmrtf.core.preparation import SIZE
from cmrtf.datasets.base import RawSubject
from cmrtf.errors import CmrtfError
from cmrtf.tensorflow_start import literal_path, tensorflow_writing_to


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

    @property
    def refusal(self) -> Path:
        """Where the worker says, in place of that, what the disk refused."""
        return self.report.with_suffix(".txt")


def build_shard(task: ShardTask) -> None:
    """Make one shard, unless it is there, and report: its name, whether it was there, what is wrong."""
    inputs: dict[str, Inputs] = {}
    problems: dict[str, str] = {}
    for raw in task.subjects:
        with _problem_of(raw, problems):
            inputs[raw.subject] = inputs_of(raw)
    name = sha256(json.dumps(list(inputs.values())).encode())[:16]
    slices, lines = (task.folder / f"{name}{suffix}" for suffix in (SLICES_SUFFIX, SUBJECTS_SUFFIX))
    unchanged = not problems and _is_complete(task.folder, name)
    if not unchanged:
        try:
            with (
                contextlib.suppress(_UnusableError),
                writing_to(task.folder),
                tensorflow_writing_to(task.folder),
            ):
                _write_shard(task.subjects, inputs, problems, slices, lines)
        except CmrtfError as error:  # no subject's fault; raised, it would be buried in Beam's traceback
            write_text(task.refusal, str(error))
            return
    report = {"name": name, "unchanged": unchanged, "problems": problems}
    write_text(task.report, json.dumps(report))


class _UnusableError(Exception):
    """Some subjects of a shard cannot be used, so that it is not made."""


@contextlib.contextmanager
def _problem_of(raw: RawSubject, problems: dict[str, str]) -> Iterator[None]:
    """Note why a subject cannot be used."""
    try:
        yield
    except CmrtfError as error:
        problems[raw.subject] = str(error)


def _write_shard(
    subjects: Sequence[RawSubject],
    inputs: Mapping[str, Inputs],
    problems: dict[str, str],
    slices: Path,
    lines: Path,
) -> None:
    """Prepare and write subjects one at a time.

    Args:
        subjects: of the shard.
        inputs: of those whose files can be read, by code.
        problems: what is wrong with the others; of those that cannot be prepared either it is added.
        slices: the shard.
        lines: its records.

    Raises:
        _UnusableError: there is a problem. There is no shard then.
    """
    import tensorflow as tf  # for its writer; who reads shards does without

    # The lines get their name last: what they tell of is there.
    with (
        new_file(lines) as partial_lines,
        new_file(slices) as partial_slices,
        partial_lines.open("wb") as subject_lines,
        literal_path(partial_slices) as slices_path,
        tf.io.TFRecordWriter(slices_path) as records,
    ):
        for raw in (raw for raw in subjects if raw.subject in inputs):
            with _problem_of(raw, problems):
                built = build_subject(raw, inputs[raw.subject])
                hearts = ""
                for stack in built.subject.stacks.values():
                    hearts += "".join("01"[flag] for flag in stack.has_heart.astype(int))
                    for image, label_ids in zip(stack.image, stack.label_ids, strict=True):
                        records.write(encode_slice(image, label_ids))
                line = {
                    "record": built.record.to_dict(),
                    "hearts": hearts,
                    "warnings": built.warnings,
                    "in_doubt": built.is_order_in_doubt,
                }
                subject_lines.write(json.dumps(with_checksum(line)).encode() + b"\n")
        if problems:
            raise _UnusableError


def _is_complete(folder: Path, name: str) -> bool:
    """Whether a shard is there, as it was made."""
    try:
        shard = Shards(folder.parent, SIZE, [name], validation=())
        for record in shard.records:
            shard.load(record)
    except (CmrtfError, KeyError, TypeError, ValueError):
        return False
    return True
