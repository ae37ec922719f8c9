"""From one raw subject to its record and its stacks: the same for every kind of prepared cohort."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cmrtf.cohort.npz_store import to_npz
from cmrtf.cohort.record import VOXELS, SubjectRecord
from cmrtf.core.files import sha256, sha256_of
from cmrtf.core.preparation import PREPARATION_VERSION, is_base_first
from cmrtf.core.subject import Subject
from cmrtf.core.unknown import slices_by_structure
from cmrtf.datasets.base import RawSubject
from cmrtf.quality.checks import check_subject

Inputs = dict[str, Any]
"""All that decides how a prepared subject comes out, as plain values for JSON."""


@dataclass(frozen=True)
class BuiltSubject:
    """One prepared subject, before it is written.

    Args:
        subject: with its stacks, whose images are rounded to float16 as they are stored.
        record: its record; in which split it is depends on others, so it has none yet.
        warnings: what to look at.
        is_order_in_doubt: whether how the slices of its source are stored is a guess.
        npz: the stacks as a file.
    """

    subject: Subject
    record: SubjectRecord
    warnings: tuple[str, ...]
    is_order_in_doubt: bool
    npz: bytes


def inputs_of(raw: RawSubject) -> Inputs:
    """What a subject is made from; with equal inputs it need not be made again.

    Files count by their SHA-256, not by size and date: hashing takes a few per cent of the time of preparing.

    Raises:
        CmrtfError: a file cannot be read.
    """
    return {
        "preparation": PREPARATION_VERSION,
        "subject": raw.subject,
        "vendor": raw.vendor,
        "centre": raw.centre,
        "pathology": raw.pathology,
        "phases": {phase: [files.frame, files.is_cine] for phase, files in raw.phases.items()},
        "slice_order": raw.slice_order,
        "other_orders": list(raw.other_orders),
        "label_to_schema": [list(pair) for pair in raw.label_to_schema.items()],
        "reader_warnings": [issue.problem for issue in raw.issues],
        "source_sha256": _source_sha256(raw),
    }


def build_subject(raw: RawSubject, inputs: Inputs) -> BuiltSubject:
    """Read, check and prepare one subject.

    Args:
        raw: the subject.
        inputs: its `inputs_of`.

    Raises:
        CmrtfError: the subject cannot be used.
    """
    checked = check_subject(raw)
    subject = _as_stored(checked.prepared())
    geometry = next(iter(subject.stacks.values())).geometry
    npz = to_npz(subject.stacks)
    record = SubjectRecord(
        subject=subject.name,
        vendor=subject.vendor,
        pathology=subject.pathology,
        split="",
        phases=subject.phases,
        frames={phase: files.frame for phase, files in checked.raw.phases.items() if files.frame is not None},
        num_slices=geometry.shape[2],
        stack_flipped=is_base_first(geometry),
        geometry=geometry,
        intensity_window={phase: stack.intensity_window for phase, stack in subject.stacks.items()},
        source_sha256=inputs["source_sha256"]
        | {f"{role}{VOXELS}": value for role, value in checked.voxels_sha256.items()},
        file_sha256=sha256(npz),
        centre=subject.centre,
        unknown={
            phase: slices
            for phase, stack in subject.stacks.items()
            if (slices := slices_by_structure(stack.unknown))
        },
    )
    return BuiltSubject(subject, record, checked.warnings, checked.is_order_in_doubt, npz)


def _as_stored(subject: Subject) -> Subject:
    """The subject with images of float16 precision."""
    return subject.with_stacks(
        {
            phase: stack.with_image(stack.image.astype(np.float16).astype(np.float32))
            for phase, stack in subject.stacks.items()
        }
    )


def _source_sha256(raw: RawSubject) -> dict[str, str]:
    """Role of each file to its SHA-256; names of files may name patients."""
    hashes = {path: sha256_of(path) for path in set(raw.files.values())}
    return {role: hashes[path] for role, path in raw.files.items()}
