"""Builds a prepared cohort from a raw data set: split, check, prepare and write what is not there yet.

`manifest.json` makes a cohort. Files get their names when they are complete, no file that a manifest names
is ever changed, and the manifest is replaced in one step, last. So a process that is killed leaves the old
cohort or the new one, and finished files that the next process goes on with.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cmrtf.cohort.build_beam import prepare_shards
from cmrtf.cohort.build_npz import prepare_files
from cmrtf.cohort.build_subject import build_subject, inputs_of
from cmrtf.cohort.cohort import MANIFEST_NAME, PreparedCohort, unknown_code
from cmrtf.cohort.earlier import LOCK_NAME
from cmrtf.cohort.npz_store import SUBJECTS_FOLDER
from cmrtf.cohort.plan import Plan, SubjectWarning
from cmrtf.cohort.shard_format import SHARDS_FOLDER
from cmrtf.core.arguments import (
    MAX_SEED,
    MAX_WORKERS,
    is_number,
    require_flags,
    require_text,
    require_texts,
    require_whole,
)
from cmrtf.core.beam import require_beam
from cmrtf.core.files import exists, prune, require_writable, writing_to
from cmrtf.core.issues import listed, raise_problems
from cmrtf.core.locks import lock
from cmrtf.core.subject import Subject
from cmrtf.datasets.base import SkippedSubject
from cmrtf.datasets.layouts import AUTO, read_raw
from cmrtf.datasets.slice_orders import with_slice_orders
from cmrtf.errors import CmrtfError
from cmrtf.quality.checks import check_subject
from cmrtf.quality.slice_order import with_other_orders


@dataclass(frozen=True)
class BuiltCohort:
    """A cohort that was just prepared.

    Args:
        cohort: the prepared cohort, in its final place.
        data_format: the reader that was used.
        skipped: subjects left out on purpose.
        problems: what is wrong with those that cannot be used and were skipped, by code.
        warnings: what to look at.
        num_unchanged: how many subjects were there already.
    """

    cohort: PreparedCohort
    data_format: str
    skipped: tuple[SkippedSubject, ...]
    problems: Mapping[str, str]
    warnings: tuple[SubjectWarning, ...]
    num_unchanged: int

    def __str__(self) -> str:
        """What was made, what was left out, what to look at."""
        counts = {kind: Counter[tuple[str, str]]() for kind in ("all", "vendor", "pathology")}
        for record in self.cohort.records:
            for kind, name in zip(counts, ("subjects", record.vendor, record.pathology), strict=True):
                counts[kind][name or "unknown", record.split] += 1
        total = counts["all"].total()
        lines = [f"Prepared {total} subjects ({self.data_format}) in {self.cohort.path}."]
        if self.num_unchanged:
            lines.append(f"{self.num_unchanged} of them were there already, unchanged.")
        lines.append(f"{'':20}{'train':>8}{'validation':>12}")
        for kind, numbers in counts.items():
            for name in sorted({name for name, _ in numbers}):
                train, validation = numbers[name, "train"], numbers[name, "validation"]
                lines.append(f"  {f'{kind} {name}':18}{train:>8}{validation:>12}")
        for reason in dict.fromkeys(skipped.reason for skipped in self.skipped):
            codes = [skipped.subject for skipped in self.skipped if skipped.reason == reason]
            lines.append(f"Skipped {len(codes)}, {reason}: {listed(codes)}.")
        lines += [f"  - {problem}" for problem in self.problems.values()]
        for text in dict.fromkeys(warning.warning for warning in self.warnings):
            codes = [warning.subject for warning in self.warnings if warning.warning == text]
            lines.append(f"Warning, {len(codes)} of {total}: {text}: {listed(codes)}.")
        return "\n".join(lines)


def prepare(
    raw: Path | str,
    out: Path | str,
    data_format: str = AUTO,
    validation_fraction: float = 0.2,
    seed: int = 0,
    workers: int | None = None,
    beam: bool = False,
    beam_options: Sequence[str] = (),
    progress: bool = False,
    exclude: Sequence[str] = (),
    skip_unusable: bool = False,
    slice_orders: Sequence[str] = (),
) -> BuiltCohort:
    """Prepare a raw data set; `out` becomes a cohort, or another one, when all of it is done.

    Subjects that are there already and whose files have not changed are kept: those of the cohort that is
    to be brought up to date, and those that an interrupted run has finished. A cohort is not replaced by one
    of another data set, and loses no subject that is not named.

    Args:
        raw: folder of the raw data set.
        out: folder that does not exist or is empty, or a prepared cohort, or one in the making.
        data_format: a reader's name, or `"auto"`.
        validation_fraction: share of subjects to hold out for validation.
        seed: of the split.
        workers: subjects (with `beam`: shards) prepared at the same time; default: one per processor.
        beam: whether to prepare with Apache Beam, into shards that training reads from disk.
        beam_options: of the pipeline; without any it runs on this machine.
        progress: whether to show a progress bar.
        exclude: codes of subjects to leave out.
        skip_unusable: whether subjects that cannot be used are left out, and named in the manifest.
        slice_orders: `"apex-first"` or `"base-first"` for all subjects, `"CODE=base-first"` for one, where it
            is not to be told from the files.

    Raises:
        CmrtfError: the fraction is none, `out` is taken or cannot be written, a cohort there is of another
            data set, Beam is not installed, or subjects cannot be used (all of them are named).
    """
    raw, out = Path(raw), Path(out)
    require_flags(beam=beam, progress=progress, skip_unusable=skip_unusable)
    require_texts("exclude", exclude)
    require_texts("slice_orders", slice_orders)
    if not (is_number(validation_fraction) and 0.0 < validation_fraction < 1.0):
        raise CmrtfError(
            f"validation_fraction: expected a number above 0 and below 1. Received: {validation_fraction!r}."
        )
    require_whole("seed", seed, 0, MAX_SEED)
    require_whole("workers", 1 if workers is None else workers, 1, MAX_WORKERS)
    if beam:
        require_beam()
    require_writable(out)
    plan = Plan.make(raw, out, data_format, validation_fraction, seed, exclude, skip_unusable, slice_orders)
    with writing_to(out):
        out.mkdir(parents=True, exist_ok=True)
        with _alone_in(out):
            if beam:
                files = prepare_shards(plan, out, workers, progress, beam_options)
            else:
                files = prepare_files(plan, out, workers, progress)
            for folder in (SUBJECTS_FOLDER, SHARDS_FOLDER):
                prune(out / folder, files.paths)
            (out / LOCK_NAME).unlink()
    cohort = PreparedCohort.open(out)
    members = files.members
    return BuiltCohort(
        cohort, plan.raw.format, members.skipped, members.problems, files.warnings, files.num_unchanged
    )


@contextlib.contextmanager
def _alone_in(out: Path) -> Iterator[None]:
    """Hold a cohort's folder, new or not: no other process prepares it, and none needs what is removed."""
    expected = f"{out}: expected a folder that no other process uses. Received: one that another"
    advice = "Wait for it or name another folder."
    with contextlib.ExitStack() as stack:
        stack.enter_context(lock(out / LOCK_NAME, f"{expected} cmrtf prepare is writing to. {advice}"))
        if exists(out / MANIFEST_NAME):
            refusal = f"{expected} process trains on or evaluates with. {advice}"
            stack.enter_context(lock(out / MANIFEST_NAME, refusal))
        yield


def read_subject(
    raw: Path | str, code: str, data_format: str = AUTO, slice_orders: Sequence[str] = ()
) -> Subject:
    """Read and prepare one subject of a raw data set, as a prepared cohort would have it; nothing is written.

    Args:
        raw: folder of the raw data set.
        code: of the subject.
        data_format: a reader's name, or `"auto"`.
        slice_orders: as of `prepare`.

    Raises:
        CmrtfError: there is no such subject, or it cannot be used.
    """
    require_text("code", code)
    require_texts("slice_orders", slice_orders)
    cohort = with_slice_orders(read_raw(Path(raw), data_format), slice_orders)
    subjects = {subject.subject: subject for subject in cohort.subjects}
    if code not in subjects:
        raise_problems([str(problem) for problem in cohort.problems if problem.subject == code], 1)
        raise unknown_code(Path(raw), code, tuple(subjects))
    built = build_subject(subjects[code], inputs_of(subjects[code]))
    if built.is_order_in_doubt:  # as in a cohort, the others count
        usable = [checked for checked in map(check_subject, cohort.subjects) if checked.is_usable]
        orders = {checked.raw.subject: checked.known_base_first for checked in usable}
        (informed,) = with_other_orders([subjects[code]], orders)
        built = build_subject(informed, inputs_of(informed))
    return built.subject
