"""Builds a prepared cohort from a raw data set: split, check, prepare and write what is not there yet.

`manifest.json` makes a cohort. Files get their names when they are complete, no file that a manifest names
is ever changed, and the manifest is replaced in one step, last. So a process that is killed leaves the old
cohort or the new one, and finished files that the next process goes on with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cmrtf.cohort.build_beam import prepare_shards, require_beam
from cmrtf.cohort.build_npz import prepare_files
from cmrtf.cohort.build_subject import build_subject, inputs_of
from cmrtf.cohort.cohort import PreparedCohort, unknown_code
from cmrtf.cohort.npz_store import SUBJECTS_FOLDER
from cmrtf.cohort.plan import LOCK_NAME, Plan, SubjectWarning
from cmrtf.cohort.shard_store import SHARDS_FOLDER
from cmrtf.core.files import lock, prune, writing_to
from cmrtf.core.issues import raise_problems
from cmrtf.core.subject import Subject
from cmrtf.datasets.base import SkippedSubject
from cmrtf.datasets.layouts import AUTO, read_raw


@dataclass(frozen=True)
class BuiltCohort:
    """A cohort that was just prepared.

    Args:
        cohort: the prepared cohort, in its final place.
        data_format: the reader that was used.
        skipped: subjects left out on purpose.
        warnings: what to look at.
        num_unchanged: how many subjects were there already.
    """

    cohort: PreparedCohort
    data_format: str
    skipped: tuple[SkippedSubject, ...]
    warnings: tuple[SubjectWarning, ...]
    num_unchanged: int


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
        workers: subjects (with `beam`: shards) prepared at the same time; default: one per processor.
        beam: whether to prepare with Apache Beam, into shards that training reads from disk.
        beam_options: of the pipeline; without any it runs on this machine.
        progress: whether to show a progress bar.

    Raises:
        CmrtfError: `out` is taken or cannot be written, Beam is not installed, or subjects cannot be used
            (all of them are named).
    """
    raw, out = Path(raw), Path(out)
    if beam:
        require_beam()
    plan = Plan.make(raw, out, data_format, validation_fraction, seed)
    refusal = (
        f"{out}: expected a folder that nobody else is working on. Received: one that another "
        f"cmrtf prepare is writing to. Wait for it or name another folder."
    )
    with writing_to(out):
        out.mkdir(parents=True, exist_ok=True)
        with lock(out / LOCK_NAME, refusal):
            if beam:
                files = prepare_shards(plan, out, workers, progress, beam_options)
            else:
                files = prepare_files(plan, out, workers, progress)
            for folder in (SUBJECTS_FOLDER, SHARDS_FOLDER):
                prune(out / folder, files.paths)
            (out / LOCK_NAME).unlink()
    cohort = PreparedCohort.open(out)
    return BuiltCohort(cohort, plan.raw.format, plan.raw.skipped, files.warnings, files.num_unchanged)


def read_subject(raw: Path | str, code: str, data_format: str = AUTO) -> Subject:
    """Read and prepare one subject of a raw data set, as a prepared cohort would have it; nothing is written.

    Args:
        raw: folder of the raw data set.
        code: of the subject.
        data_format: a reader's name, or `"auto"`.

    Raises:
        CmrtfError: there is no such subject, or it cannot be used.
    """
    cohort = read_raw(Path(raw), data_format)
    subjects = {subject.subject: subject for subject in cohort.subjects}
    if code not in subjects:
        raise_problems([str(problem) for problem in cohort.problems if problem.subject == code], 1)
        raise unknown_code(Path(raw), code, tuple(subjects))
    return build_subject(subjects[code], inputs_of(subjects[code])).subject
