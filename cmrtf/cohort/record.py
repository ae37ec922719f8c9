"""What a prepared cohort knows of one subject, whatever its stacks are stored in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.geometry import Geometry
from cmrtf.core.labels import SCHEMA
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject
from cmrtf.core.unknown import Unknown, concatenated, from_slices
from cmrtf.errors import CmrtfError

SPLITS = TRAIN, VALIDATION = "train", "validation"

VOXELS = " voxels"
"""Ends what `source_sha256` calls the voxels of an image, `"ED image voxels"`: subjects with equal ones are
the same scan."""

Arrays = Mapping[str, tuple[NDArray[np.float32], NDArray[np.uint8]]]
"""By phase: image in [-1, 1] and label ids, both `(slices, size, size)`."""


@dataclass(frozen=True)
class SubjectRecord:
    """What a cohort knows of one subject.

    Args:
        subject: the subject's code, unique in the cohort.
        vendor: `"A"` to `"D"`, or `""` when unknown.
        pathology: `"NOR"`, `"DCM"`, ..., or `""` when unknown.
        split: `"train"` or `"validation"`; `""` before the cohort is split.
        phases: which of `"ED"`, `"ES"` the subject has.
        frames: phase to 0-based frame in the source cine, where the data set says so.
        num_slices: slices of the stack.
        stack_flipped: whether the source was stored base first.
        geometry: where the stack lies in its source and in the scanner.
        intensity_window: phase to `(low, high)`, the source values that became -1 and 1:
            `source = low + (value + 1) / 2 * (high - low)`.
        source_sha256: role of each source file (`"ED image"`, `"ED label"`, ...) to its SHA-256, and
            with `VOXELS` behind it, that of what an image shows, whatever its file's header, compression and
            scale.
        file_sha256: SHA-256 of the subject's stacks as an npz, whether they lie in one or in a shard.
        centre: number or abbreviation, or `""` when unknown.
        unknown: phase to the slices, apex first, in which the source does not label a structure.
    """

    subject: str
    vendor: str
    pathology: str
    split: str
    phases: tuple[str, ...]
    frames: dict[str, int]
    num_slices: int
    stack_flipped: bool
    geometry: Geometry
    intensity_window: dict[str, tuple[float, float]]
    source_sha256: dict[str, str]
    file_sha256: str
    centre: str = ""
    unknown: Mapping[str, Mapping[str, list[int]]] = field(default_factory=dict)

    def unknown_at(self, phase: str) -> Unknown:
        """What is unknown of a phase's slices."""
        return from_slices(self.unknown.get(phase, {}), self.num_slices)

    def require_content(self, sha256: str, file: Path) -> None:
        """Check that stacks are those that were prepared for this subject.

        Args:
            sha256: of the stacks as an npz.
            file: where they were read.

        Raises:
            CmrtfError: they are others: changed, damaged, or of another subject.
        """
        if sha256 != self.file_sha256:
            raise CmrtfError(
                f"{file}: expected the prepared stacks {', '.join(self.phases)} of {self.subject}, with the "
                f"SHA-256 {self.file_sha256[:12]}... Received: {sha256[:12]}...: changed, damaged or "
                "exchanged. Prepare the data again."
            )

    def subject_of(self, arrays: Arrays, file: Path) -> Subject:
        """The subject whose stacks have been read.

        Args:
            arrays: what was read.
            file: where.

        Raises:
            CmrtfError: shapes are not those of the record, or values not those of a prepared stack.
        """
        expected = self.geometry.shape[::-1]
        for phase, (image, label_ids) in arrays.items():
            if image.shape != expected or label_ids.shape != expected:
                raise CmrtfError(
                    f"{file}: expected {phase} image and label of shape {expected}, as the manifest says. "
                    f"Received: image {image.shape}, label {label_ids.shape}."
                )
            low, high = image.min(), image.max()
            if not -1.0 <= low <= high <= 1.0:  # nor NaN
                raise CmrtfError(
                    f"{file}: expected {phase} image values within [-1, 1]. Received: {low:g} to {high:g}. "
                    "Prepare the data again."
                )
            SCHEMA.validate(label_ids, f"{file}, {phase} label")
        stacks = {
            phase: Stack(
                image, label_ids, self.geometry, self.intensity_window[phase], self.unknown_at(phase)
            )
            for phase, (image, label_ids) in arrays.items()
        }
        return Subject(self.subject, "source", stacks, self.vendor, self.centre, self.pathology)

    def to_dict(self) -> dict[str, Any]:
        """Plain form for JSON."""
        return {
            "subject": self.subject,
            "vendor": self.vendor,
            "pathology": self.pathology,
            "split": self.split,
            "phases": list(self.phases),
            "frames": dict(self.frames),
            "num_slices": self.num_slices,
            "stack_flipped": self.stack_flipped,
            "geometry": self.geometry.to_dict(),
            "intensity_window": {phase: list(window) for phase, window in self.intensity_window.items()},
            "source_sha256": dict(self.source_sha256),
            "file_sha256": self.file_sha256,
            "centre": self.centre,
            **({"unknown": self.unknown} if self.unknown else {}),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "SubjectRecord":
        """Inverse of `to_dict`."""
        windows = values["intensity_window"]
        return cls(
            subject=values["subject"],
            vendor=values["vendor"],
            pathology=values["pathology"],
            split=values["split"],
            phases=tuple(values["phases"]),
            frames=dict(values["frames"]),
            num_slices=values["num_slices"],
            stack_flipped=values["stack_flipped"],
            geometry=Geometry.from_dict(values["geometry"]),
            intensity_window={phase: (low, high) for phase, (low, high) in windows.items()},
            source_sha256=dict(values["source_sha256"]),
            file_sha256=values["file_sha256"],
            centre=values.get("centre", ""),
            unknown=values.get("unknown", {}),
        )


def voxels_sha256_of(source_sha256: Mapping[str, str]) -> dict[str, str]:
    """Of a record's `source_sha256`, what its images show, by role."""
    return {
        role.removesuffix(VOXELS): value for role, value in source_sha256.items() if role.endswith(VOXELS)
    }


def unknown_of_records(records: Iterable[SubjectRecord]) -> Unknown:
    """What is unknown of all stacks of some subjects, phase after phase, subject after subject."""
    stacks = [(record.unknown_at(phase), record.num_slices) for record in records for phase in record.phases]
    return concatenated(stacks)
