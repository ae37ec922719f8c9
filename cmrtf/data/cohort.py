"""The prepared cohort: what `cmrtf prepare` writes and everything after it reads.

A cohort is a folder with `manifest.json` and one `subjects/<code>.npz` per subject. The manifest names
no source file and carries nothing of a source header except its geometry.
"""

import difflib
import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.data.geometry import VolumeGeometry
from cmrtf.data.schema import SCHEMA
from cmrtf.errors import CmrtfError

FORMAT_NAME = "cmrtf-prepared-cohort"
FORMAT_VERSION = 1
MANIFEST_NAME = "manifest.json"
SUBJECTS_FOLDER = "subjects"

PHASES = ("ED", "ES")
"""End-diastole and end-systole."""

VOXELS = "voxels"

SPLITS = ("train", "validation")


@dataclass(frozen=True)
class SubjectRecord:
    """What the manifest knows of one subject.

    Args:
        subject: the subject's code, unique in the cohort; also its file name.
        vendor: `"A"` to `"D"`, or `""` when unknown.
        pathology: `"NOR"`, `"DCM"`, ..., or `""` when unknown.
        split: `"train"` or `"validation"`.
        phases: which of `"ED"`, `"ES"` the subject has.
        frames: phase to 0-based frame in the source cine, where the data set says so.
        num_slices: slices of the stack.
        stack_flipped: whether the source was stored base first.
        geometry: where the stack lies in its source and in the scanner.
        intensity_window: phase to `(low, high)`, the source values that became -1 and 1:
            `source = low + (value + 1) / 2 * (high - low)`.
        source_sha256: role of each source file (`"ED image"`, `"ED label"`, ...) to its SHA-256, and
            `VOXELS` to that of the first phase's image values, whatever its file's header and compression.
        file_sha256: SHA-256 of the subject's npz.
    """

    subject: str
    vendor: str
    pathology: str
    split: str
    phases: tuple[str, ...]
    frames: dict[str, int]
    num_slices: int
    stack_flipped: bool
    geometry: VolumeGeometry
    intensity_window: dict[str, tuple[float, float]]
    source_sha256: dict[str, str]
    file_sha256: str

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
            geometry=VolumeGeometry.from_dict(values["geometry"]),
            intensity_window={phase: (low, high) for phase, (low, high) in windows.items()},
            source_sha256=dict(values["source_sha256"]),
            file_sha256=values["file_sha256"],
        )


@dataclass(frozen=True)
class PreparedVolume:
    """One phase of one prepared subject, slices first, apex first.

    `array[k, j, i]` is voxel `(i, j, k)` of the NIfTI volume that the geometry describes.

    Args:
        image: `(slices, height, width)` float32 in [-1, 1].
        label_ids: `(slices, height, width)` uint8 in `SCHEMA`'s order.
    """

    image: NDArray[np.float32]
    label_ids: NDArray[np.uint8]


@dataclass(frozen=True)
class PreparedCohort:
    """A prepared cohort on disk; images are read when asked for.

    Args:
        path: the cohort's folder.
        records: one per subject, in the order of the manifest.

    Example:
        `cohort = PreparedCohort.open("prepared"); cohort.load(cohort.subjects("train")[0])["ED"].image`
    """

    path: Path
    records: tuple[SubjectRecord, ...]

    @classmethod
    def open(cls, path: str | Path) -> "PreparedCohort":
        """Read and check a cohort's manifest.

        Raises:
            CmrtfError: the folder holds no manifest, or one that this version cannot read.
        """
        folder = Path(path)
        manifest = _read_manifest(folder / MANIFEST_NAME)
        try:
            records = tuple(SubjectRecord.from_dict(values) for values in manifest["subjects"])
        except (KeyError, TypeError, ValueError) as error:
            raise CmrtfError(
                f"{folder / MANIFEST_NAME}: expected a complete record for every subject. "
                f"Received: a record with a wrong or missing entry ({error!r}). Prepare the data again."
            ) from error
        return cls(folder, records)

    def subjects(self, split: str | None = None) -> tuple[str, ...]:
        """Subject codes, of one split or of all."""
        return tuple(record.subject for record in self.records if split in (None, record.split))

    def record(self, subject: str) -> SubjectRecord:
        """The record of one subject.

        Raises:
            CmrtfError: there is no such subject; close or available codes are listed.
        """
        by_code = {record.subject: record for record in self.records}
        if subject in by_code:
            return by_code[subject]
        close = difflib.get_close_matches(subject, by_code, n=5)
        hint = f"Did you mean: {', '.join(close)}?" if close else f"It has: {_some(list(by_code))}."
        raise CmrtfError(
            f"{self.path}: expected one of its {len(by_code)} subjects. Received: {subject!r}. {hint}"
        )

    def load(self, subject: str) -> dict[str, PreparedVolume]:
        """Read one subject's stacks, by phase.

        Raises:
            CmrtfError: an unknown subject, or its file is missing, damaged or does not fit its record.
        """
        record = self.record(subject)
        file = subject_file(self.path, subject)
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
                f"{file}: expected the prepared stacks {', '.join(record.phases)} of {subject}. "
                f"Received: {error}. Prepare the data again."
            ) from error
        expected = record.geometry.prepared_shape[::-1]
        for phase, volume in volumes.items():
            if volume.image.shape != expected or volume.label_ids.shape != expected:
                raise CmrtfError(
                    f"{file}: expected {phase} image and label of shape {expected}, as the manifest says. "
                    f"Received: image {volume.image.shape}, label {volume.label_ids.shape}."
                )
        return volumes

    @property
    def data_hash(self) -> str:
        """16 hexadecimal digits that identify the data a run was trained on: codes, splits and files."""
        lines = sorted(f"{record.subject} {record.split} {record.file_sha256}" for record in self.records)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def subject_file(cohort_path: Path, subject: str) -> Path:
    """Where a cohort keeps one subject's stacks."""
    return cohort_path / SUBJECTS_FOLDER / f"{subject}.npz"


def _read_manifest(path: Path) -> dict[str, Any]:
    """Manifest of a cohort of this format and version."""
    expected = f"the {MANIFEST_NAME} of a cohort that `cmrtf prepare` wrote"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CmrtfError(f"{path}: expected {expected}. Received: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT_NAME:
        raise CmrtfError(f"{path}: expected {expected}. Received: a file of another kind.")
    if manifest.get("version") != FORMAT_VERSION:
        raise CmrtfError(
            f"{path}: expected version {FORMAT_VERSION} of the prepared cohort. "
            f"Received: version {manifest.get('version')}. Prepare the data again with this version of cmrtf."
        )
    if manifest.get("label_schema") != SCHEMA.to_dict():
        raise CmrtfError(
            f"{path}: expected labels in {SCHEMA.name} order {SCHEMA.structures}. "
            f"Received: {manifest.get('label_schema')}."
        )
    if not isinstance(manifest.get("subjects"), list) or not manifest["subjects"]:
        raise CmrtfError(f"{path}: expected at least one subject. Received: none.")
    return manifest


def _some(codes: list[str], limit: int = 10) -> str:
    """The first few codes, and how many more there are."""
    more = f" and {len(codes) - limit} more" if len(codes) > limit else ""
    return ", ".join(codes[:limit]) + more
