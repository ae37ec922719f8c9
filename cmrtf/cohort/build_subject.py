"""From one raw subject to its record and its stacks: the same for every kind of prepared cohort."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.cohort.record import VOXELS, SubjectRecord
from cmrtf.core.preparation import PREPARATION_VERSION, PreparedSubject, prepare_subject
from cmrtf.datasets.base import RawSubject
from cmrtf.errors import CmrtfError
from cmrtf.quality.checks import examine

Inputs = dict[str, Any]
"""All that decides how a prepared subject comes out, as plain values for JSON."""


@dataclass(frozen=True)
class BuiltSubject:
    """One prepared subject, before it is written.

    Args:
        record: its record; in which split it is depends on others, so it has none yet.
        warnings: what to look at.
        arrays: `<phase>_image` float16 and `<phase>_label` uint8, `(slices, size, size)`.
        npz: the arrays as a file, not compressed so that equal data have equal bytes everywhere.
    """

    record: SubjectRecord
    warnings: tuple[str, ...]
    arrays: dict[str, NDArray[Any]]
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
        "label_to_schema": [list(pair) for pair in raw.label_to_schema.items()],
        "reader_warnings": [issue.problem for issue in raw.issues],
        "source_sha256": _source_sha256(raw),
    }


def build_subject(raw: RawSubject, inputs: Inputs) -> BuiltSubject:
    """Read and prepare one subject.

    Args:
        raw: the subject.
        inputs: its `inputs_of`.

    Raises:
        CmrtfError: the subject cannot be used.
    """
    examination = examine(raw)
    raw = examination.subject  # its phases may have been exchanged
    prepared = prepare_subject(examination.usable_volumes())
    arrays = stored_arrays(prepared)
    npz = to_npz(arrays)
    record = SubjectRecord(
        subject=raw.subject,
        vendor=raw.vendor,
        pathology=raw.pathology,
        split="",
        phases=tuple(raw.phases),
        frames={phase: files.frame for phase, files in raw.phases.items() if files.frame is not None},
        num_slices=prepared.geometry.shape[2],
        stack_flipped=prepared.stack_flipped,
        geometry=prepared.geometry,
        intensity_window=prepared.intensity_window,
        source_sha256=inputs["source_sha256"] | {VOXELS: examination.voxels_sha256},
        file_sha256=sha256(npz),
        centre=raw.centre,
    )
    return BuiltSubject(record, examination.warnings, arrays, npz)


def stored_arrays(prepared: PreparedSubject) -> dict[str, NDArray[Any]]:
    """A subject's stacks as they are stored."""
    arrays: dict[str, NDArray[Any]] = {}
    for phase, volume in prepared.volumes.items():
        arrays[f"{phase}_image"] = volume.image.astype(np.float16)
        arrays[f"{phase}_label"] = volume.label_ids
    return arrays


def to_npz(arrays: dict[str, NDArray[Any]]) -> bytes:
    """Arrays as an npz."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def sha256(content: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(content).hexdigest()


def _source_sha256(raw: RawSubject) -> dict[str, str]:
    """Role of each file to its SHA-256; names of files may name patients."""
    of_path = {path: _file_sha256(path) for path in set(raw.files.values())}
    return {role: of_path[path] for role, path in raw.files.items()}


def _file_sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CmrtfError(f"{path}: expected to be able to read it. Received: {error.strerror}.") from error
