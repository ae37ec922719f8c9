"""Reads a raw subject, checks it and repairs what can be repaired without a guess.

`cmrtf check` lists the issues, `cmrtf prepare` refuses errors and uses the repaired stacks: one and the same
checks for both.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from cmrtf.core.issues import ERROR, Issue
from cmrtf.datasets.base import RawSubject
from cmrtf.quality.checked_subject import CheckedSubject
from cmrtf.quality.file_checks import check_files, check_places
from cmrtf.quality.heart_checks import check_heart, check_label_order
from cmrtf.quality.phase_checks import check_phases
from cmrtf.quality.slice_checks import check_slices
from cmrtf.quality.voxel_checks import check_voxels

Check = Callable[[CheckedSubject], CheckedSubject]
"""Adds issues to a subject, and what it has read or repaired."""

HEART_CHECKS: tuple[Check, ...] = (check_label_order, check_phases, check_slices, check_heart)
"""What stacks can tell without their files."""

CHECKS: tuple[Check, ...] = (check_files, check_places, check_voxels, *HEART_CHECKS)
"""From files to voxels to anatomy: after an error the next one would have nothing to stand on."""


def check_subject(raw: RawSubject) -> CheckedSubject:
    """Read and check all files of a subject, each once, up to the first check that finds an error."""
    subject = CheckedSubject(raw, raw.issues)
    for check in CHECKS:
        subject = check(subject)
        if not subject.is_usable:
            break
    return replace(subject, issues=tuple(replace(issue, subject=raw.subject) for issue in subject.issues))


def duplicate_issues(subjects: Iterable[tuple[RawSubject, Mapping[str, str]]]) -> list[Issue]:
    """An error for every subject that shows what another one shows: it could train and validate.

    Args:
        subjects: each with the SHA-256 of its images, by role: `CheckedSubject.voxels_sha256`.
    """
    owners: dict[str, tuple[str, str]] = {}
    issues = []
    for raw, hashes in subjects:
        shared = {role: owners[sha256] for role, sha256 in hashes.items() if sha256 in owners}
        shared = {role: owner for role, owner in shared.items() if owner[0] != raw.subject}
        for role, sha256 in hashes.items():
            owners.setdefault(sha256, (raw.subject, role))
        if shared:
            role, (code, other_role) = next(iter(shared.items()))
            problem = f"expected an {role} of its own. Received: the {other_role} of subject {code}."
            issues.append(Issue(ERROR, raw.files[role], problem, raw.subject))
    return issues
