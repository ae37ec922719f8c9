"""Prepared subjects as one npz each: what fits in memory."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmrtf.cohort.record import SubjectRecord, unknown_of_records
from cmrtf.core.files import sha256_of
from cmrtf.core.npz_files import Array, read_npz
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject
from cmrtf.core.unknown import Unknown

SUBJECTS_FOLDER = "subjects"


@dataclass(frozen=True)
class SubjectFiles:
    """Stacks in `subjects/`, records in memory.

    Args:
        folder: the cohort's folder.
        records: one per subject.

    Raises:
        ValueError: a subject is there twice.
    """

    folder: Path
    records: tuple[SubjectRecord, ...]

    def __post_init__(self) -> None:
        if len(self._records_by_code) < len(self.records):
            raise ValueError("a subject twice")

    @cached_property
    def _records_by_code(self) -> dict[str, SubjectRecord]:
        return {record.subject: record for record in self.records}

    def codes(self, split: str | None) -> tuple[str, ...]:
        """Subject codes, of one split or of all."""
        return tuple(record.subject for record in self.records if split in (None, record.split))

    def record(self, code: str) -> SubjectRecord:
        """The record of one subject; KeyError if there is none."""
        return self._records_by_code[code]

    def load(self, record: SubjectRecord) -> Subject:
        """Read one subject's stacks.

        Raises:
            CmrtfError: the file is missing, or is not the one that was prepared.
        """
        file = subject_file(self.folder, record)
        record.require_content(sha256_of(file), file)
        shape = record.geometry.shape[::-1]
        stored = {
            f"{phase}_{name}": Array(dtype, shape)
            for phase in record.phases
            for name, dtype in (("image", np.float16), ("label", np.uint8))
        }
        arrays = read_npz(file, stored, f"the prepared stacks {', '.join(record.phases)} of {record.subject}")
        stacks = {
            phase: (arrays[f"{phase}_image"].astype(np.float32), arrays[f"{phase}_label"])
            for phase in record.phases
        }
        return record.subject_of(stacks, file)

    def slices(self, split: str) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.int64]]:
        """Images, labels, and which stack each slice is of, in memory (1,500 slices take 120 MB)."""
        stacks = [
            stack
            for record in self.records
            if record.split == split
            for stack in self.load(record).stacks.values()
        ]
        return (
            np.concatenate([stack.image for stack in stacks]),
            np.concatenate([stack.label_ids for stack in stacks]),
            np.repeat(np.arange(len(stacks)), [stack.num_slices for stack in stacks]),
        )

    def unknown(self, split: str) -> Unknown:
        """What the labels of the same slices leave open."""
        return unknown_of_records(record for record in self.records if record.split == split)


def subject_file(folder: Path, record: SubjectRecord) -> Path:
    """Where a cohort keeps one subject's stacks: other stacks have another name."""
    return folder / SUBJECTS_FOLDER / f"{record.subject}.{record.file_sha256[:12]}.npz"


def to_npz(stacks: Mapping[str, Stack]) -> bytes:
    """A subject's stacks as a file, not compressed so that equal data have equal bytes everywhere.

    It holds `<phase>_image` float16 and `<phase>_label` uint8, `(slices, size, size)`.
    """
    arrays: dict[str, NDArray[np.generic]] = {}
    for phase, stack in stacks.items():
        arrays[f"{phase}_image"] = stack.image.astype(np.float16)
        arrays[f"{phase}_label"] = stack.label_ids
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()
