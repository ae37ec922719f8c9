"""Prepared subjects as one npz each: what fits in memory."""

import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmrtf.cohort.record import PreparedVolume, SubjectRecord
from cmrtf.errors import CmrtfError

SUBJECTS_FOLDER = "subjects"


@dataclass(frozen=True)
class SubjectFiles:
    """Stacks in `subjects/`, records in memory.

    Args:
        folder: the cohort's folder.
        records: one per subject.
    """

    folder: Path
    records: tuple[SubjectRecord, ...]

    @cached_property
    def _by_code(self) -> dict[str, SubjectRecord]:
        return {record.subject: record for record in self.records}

    def subjects(self, split: str | None) -> tuple[str, ...]:
        """Subject codes, of one split or of all."""
        return tuple(record.subject for record in self.records if split in (None, record.split))

    def record(self, subject: str) -> SubjectRecord:
        """The record of one subject; KeyError if there is none."""
        return self._by_code[subject]

    def load(self, record: SubjectRecord) -> dict[str, PreparedVolume]:
        """Read one subject's stacks, by phase.

        Raises:
            CmrtfError: the file is missing, damaged or does not fit the record.
        """
        file = subject_file(self.folder, record)
        try:
            with np.load(file) as arrays:
                volumes = {
                    phase: PreparedVolume(
                        arrays[f"{phase}_image"].astype(np.float32), arrays[f"{phase}_label"].astype(np.uint8)
                    )
                    for phase in record.phases
                }
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise CmrtfError(
                f"{file}: expected the prepared stacks {', '.join(record.phases)} of {record.subject}. "
                f"Received: {error}. Prepare the data again."
            ) from error
        expected = record.geometry.shape[::-1]
        for phase, volume in volumes.items():
            if volume.image.shape != expected or volume.label_ids.shape != expected:
                raise CmrtfError(
                    f"{file}: expected {phase} image and label of shape {expected}, as the manifest says. "
                    f"Received: image {volume.image.shape}, label {volume.label_ids.shape}."
                )
        return volumes

    def slices(self, split: str) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.int64]]:
        """Images, labels, and which stack each slice is of, in memory (1,500 slices take 120 MB)."""
        volumes = [
            volume
            for record in self.records
            if record.split == split
            for volume in self.load(record).values()
        ]
        return (
            np.concatenate([volume.image for volume in volumes]),
            np.concatenate([volume.label_ids for volume in volumes]),
            np.repeat(np.arange(len(volumes)), [len(volume.image) for volume in volumes]),
        )


def subject_file(cohort_path: Path, record: SubjectRecord) -> Path:
    """Where a cohort keeps one subject's stacks: other stacks have another name."""
    return cohort_path / SUBJECTS_FOLDER / f"{record.subject}.{record.file_sha256[:12]}.npz"
