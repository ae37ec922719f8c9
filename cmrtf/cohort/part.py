"""A part of a prepared cohort as a cohort of its own, with a split of its own."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from cmrtf.cohort.build_npz import write_manifest
from cmrtf.cohort.cohort import MANIFEST_NAME, PreparedCohort, read_manifest
from cmrtf.cohort.npz_store import SUBJECTS_FOLDER, SubjectFiles, subject_file
from cmrtf.cohort.plan import SubjectWarning
from cmrtf.core.files import new_folder
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
    if not isinstance(cohort.storage, SubjectFiles):
        raise CmrtfError(
            f"{cohort.path}: expected a cohort with a file for each subject, to take some of them. Received: "
            "one in shards. Prepare it without --beam."
        )
    records = [replace(cohort.record(code), split=split) for code, split in sorted(splits.items())]
    manifest = read_manifest(cohort.path)
    warnings = [
        SubjectWarning(**warning) for warning in manifest.get("warnings", ()) if warning["subject"] in splits
    ]
    how_made = {
        name: value for name, value in manifest.items() if name not in (CHECKSUM, "subjects", "warnings")
    }
    with new_folder(folder) as partial:
        (partial / SUBJECTS_FOLDER).mkdir()
        for record in records:
            stacks = subject_file(cohort.path, record).read_bytes()
            subject_file(partial, record).write_bytes(stacks)
        write_manifest(partial / MANIFEST_NAME, how_made, records, warnings)
    return PreparedCohort.open(folder)
