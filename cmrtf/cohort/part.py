"""Cohorts made of prepared ones: a part with a split of its own, and two joined."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cmrtf.cohort.build_npz import write_manifest
from cmrtf.cohort.cohort import MANIFEST_NAME, PreparedCohort, read_manifest
from cmrtf.cohort.npz_store import SUBJECTS_FOLDER, SubjectFiles, subject_file
from cmrtf.cohort.plan import SubjectWarning
from cmrtf.cohort.record import SubjectRecord
from cmrtf.core.files import new_folder
from cmrtf.core.issues import listed
from cmrtf.core.json_files import CHECKSUM
from cmrtf.errors import CmrtfError


def write_part(cohort: PreparedCohort, folder: Path, splits: Mapping[str, str]) -> PreparedCohort:
    """Write some subjects of a cohort, with the stacks that they have there.

    Args:
        cohort: of files, not of shards.
        folder: a folder that does not exist yet or is empty.
        splits: code to `"train"` or `"validation"` of each subject of the part.

    Returns:
        the part.

    Raises:
        CmrtfError: the cohort lies in shards or has no such subject, or the folder is taken or cannot be
            written.
    """
    require_files(cohort)
    records = [replace(cohort.record(code), split=split) for code, split in sorted(splits.items())]
    return write_cohort(folder, cohort, [(cohort, record) for record in records])


def write_cohort(
    folder: Path, like: PreparedCohort, records: Sequence[tuple[PreparedCohort, SubjectRecord]]
) -> PreparedCohort:
    """Write a cohort of subjects that are prepared.

    Args:
        folder: a folder that does not exist yet or is empty.
        like: whose manifest says how it was made.
        records: of the subjects, each with the cohort of files that has its stacks.

    Raises:
        CmrtfError: the folder is taken or cannot be written.
    """
    how_made = {
        name: value
        for name, value in read_manifest(like.path).items()
        if name not in (CHECKSUM, "subjects", "warnings")
    }
    codes = {record.subject for _, record in records}
    warnings = [
        SubjectWarning(**warning)
        for path in dict.fromkeys(cohort.path for cohort, _ in records)
        for warning in read_manifest(path).get("warnings", ())
        if warning["subject"] in codes
    ]
    with new_folder(folder) as partial:
        (partial / SUBJECTS_FOLDER).mkdir()
        for cohort, record in records:
            stacks = subject_file(cohort.path, record).read_bytes()
            subject_file(partial, record).write_bytes(stacks)
        write_manifest(partial / MANIFEST_NAME, how_made, [record for _, record in records], warnings)
    return PreparedCohort.open(folder)


def join_cohorts(first: PreparedCohort, second: PreparedCohort, folder: Path) -> PreparedCohort:
    """Write the subjects of two cohorts as one, each with the split that it has.

    Args:
        first: of files, not of shards; its manifest says how the whole was made.
        second: likewise.
        folder: a folder that does not exist yet or is empty.

    Raises:
        CmrtfError: a code is in both, a cohort lies in shards, or the folder is taken or cannot be written.
    """
    for cohort in (first, second):
        require_files(cohort)
    if both := sorted(set(first.codes()) & set(second.codes())):
        raise CmrtfError(
            f"{second.path}: expected codes that {first.path} does not have. Received: {listed(both)} of "
            "both. Rename the files."
        )
    records = [(cohort, record) for cohort in (first, second) for record in cohort.records]
    return write_cohort(folder, first, sorted(records, key=lambda pair: pair[1].subject))


def require_files(cohort: PreparedCohort) -> None:
    """Check that a cohort has a file for each subject.

    Raises:
        CmrtfError: it lies in shards.
    """
    if not isinstance(cohort.storage, SubjectFiles):
        raise CmrtfError(
            f"{cohort.path}: expected a cohort with a file for each subject, to take some of them. Received: "
            "one in shards. Prepare it without --beam."
        )
