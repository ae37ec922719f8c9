"""The prepared cohort: what `cmrtf prepare` writes and everything after it reads.

A cohort is a folder with `manifest.json`, which names its own files but no source file and carries nothing
of a source header except its geometry. The stacks lie in one npz per subject, all records in the manifest;
or, for cohorts that should not be held in memory, both lie in shards. Which of the two the manifest says;
readers of a cohort need not know which.
"""

import contextlib
import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cmrtf.cohort.entries import ManifestEntry
from cmrtf.cohort.npz_store import SubjectFiles
from cmrtf.cohort.record import TRAIN, VALIDATION, SubjectRecord
from cmrtf.cohort.shard_store import Shards
from cmrtf.core.files import sha256
from cmrtf.core.issues import listed
from cmrtf.core.json_files import LIST_BYTES, read_json, require_json
from cmrtf.core.labels import SCHEMA
from cmrtf.core.locks import lock
from cmrtf.core.subject import Subject
from cmrtf.core.unknown import Unknown
from cmrtf.errors import CmrtfError

FORMAT_NAME = "cmrtf-prepared-cohort"
FORMAT_VERSION = 2
MANIFEST_NAME = "manifest.json"

MAX_CODES = 10
"""In a message."""


class SliceArray(Protocol):
    """What batches are gathered from: a NumPy array, or something like one that reads when asked.

    A mask as index gives an array of the same kind, whole numbers give slices.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """`(slices, size, size)`."""

    @property
    def dtype(self) -> Any:
        """Of the slices."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any) -> Any: ...


class LabelArray(SliceArray, Protocol):
    """Label ids."""

    def any(self, axis: Any) -> Any:
        """`any(axis=(1, 2))`: which slices have anything on them."""


class Storage(Protocol):
    """Where a cohort keeps records and stacks."""

    @property
    def records(self) -> Sequence[SubjectRecord]:
        """One per subject, in order of their codes."""

    def codes(self, split: str | None) -> tuple[str, ...]:
        """Of one split or of all, in order."""

    def record(self, code: str) -> SubjectRecord:
        """Of one subject; KeyError if there is none."""

    def load(self, record: SubjectRecord) -> Subject:
        """One subject with its stacks; CmrtfError if they cannot be read."""

    def slices(self, split: str) -> tuple[SliceArray, LabelArray, NDArray[np.int64]]:
        """Images, labels, and which stack each slice is of."""

    def unknown(self, split: str) -> Unknown:
        """What the labels of the same slices leave open."""


@dataclass(frozen=True, repr=False)
class PreparedCohort:
    """A prepared cohort on disk: subjects by their codes, whose images are read when asked for.

    Args:
        path: the cohort's folder.
        storage: what lies in it.

    Example:
        `cohort = PreparedCohort.open("prepared"); cohort[cohort.codes("train")[0]].ed.image`
    """

    path: Path
    storage: Storage

    @classmethod
    def open(cls, path: str | PathLike[str]) -> "PreparedCohort":
        """Read and check a cohort's manifest.

        Raises:
            CmrtfError: the folder holds no manifest, one that this version cannot read, or shards that do
                not fit it.
        """
        folder = Path(path)
        manifest = read_manifest(folder)
        try:
            storage: Storage = (
                Shards(folder, manifest["size"], manifest["shards"], manifest["validation"])
                if "shards" in manifest
                else SubjectFiles(folder, tuple(map(SubjectRecord.from_dict, manifest["subjects"])))
            )
        except (KeyError, TypeError, ValueError) as error:
            raise CmrtfError(
                f"{folder / MANIFEST_NAME}: expected a complete record for every subject. "
                f"Received: a record with a wrong or missing entry ({error!r}). Prepare the data again."
            ) from error
        return cls(folder, storage)

    @property
    def records(self) -> Sequence[SubjectRecord]:
        """One per subject, in order of their codes; those of shards are read one at a time."""
        return self.storage.records

    def codes(self, split: str | None = None) -> tuple[str, ...]:
        """Subject codes, of one split or of all, in order.

        Raises:
            CmrtfError: there is no such split.
        """
        if split not in (None, TRAIN, VALIDATION):
            raise CmrtfError(f"split: expected {TRAIN} or {VALIDATION}. Received: {split!r}.")
        return self.storage.codes(split)

    def __len__(self) -> int:
        return len(self.codes())

    def __iter__(self) -> Iterator[str]:
        return iter(self.codes())

    def __contains__(self, code: object) -> bool:
        return code in self.codes()

    def __getitem__(self, code: str) -> Subject:
        """One subject with its stacks.

        Raises:
            CmrtfError: an unknown subject, or its stacks are missing, damaged or do not fit its record.
        """
        return self.storage.load(self.record(code))

    def record(self, code: str) -> SubjectRecord:
        """The record of one subject.

        Raises:
            CmrtfError: there is no such subject; close or available codes are listed.
        """
        try:
            return self.storage.record(str(code))  # what is no text is none of the codes
        except KeyError:
            raise unknown_code(self.path, str(code), self.codes()) from None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """A block in which `cmrtf prepare` does not change the cohort: for what reads it again and again.

        Raises:
            CmrtfError: it is being prepared, or is another one since it was opened.
        """
        path = self.path / MANIFEST_NAME
        problem = f"{path}: expected a cohort that does not change. Received: one that"
        with lock(path, f"{problem} cmrtf prepare is working on. Wait for it.", shared=True):
            if PreparedCohort.open(self.path).data_hash != self.data_hash:
                raise CmrtfError(f"{problem} has changed since it was opened. Start again.")
            yield

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(self.codes(split))} {split}" for split in (TRAIN, VALIDATION))
        return f"PreparedCohort({self.path}: {counts})"

    def slices(self, split: str) -> tuple[SliceArray, LabelArray, NDArray[np.int64]]:
        """Every slice of every phase of every subject of a split.

        Returns:
            images `(slices, size, size)` float32 in [-1, 1] and label ids uint8, in memory or in shards as
            the cohort is, and `(slices,)` numbers that say which stack a slice is of.

        Raises:
            CmrtfError: the split has no subjects.
        """
        if not self.codes(split):
            raise CmrtfError(f"{self.path}: expected subjects in the {split!r} split. Received: none.")
        return self.storage.slices(split)

    def unknown(self, split: str) -> Unknown:
        """Which structures are unknown in which slices of a split, in the order of `slices`.

        Returns:
            `(slices, classes)`, see `cmrtf.core.unknown`, or None where all structures are labelled.
        """
        return self.storage.unknown(split)

    @property
    def data_hash(self) -> str:
        """16 hexadecimal digits that identify the data a run was trained on: codes, splits and stacks.

        The same data have the same hash in files and in shards.
        """
        lines = sorted(map(_hashed_line, self.records))
        return sha256("\n".join(lines).encode())[:16]


def _hashed_line(record: SubjectRecord) -> str:
    """What of a subject counts in the hash of its cohort."""
    unknown = f" {json.dumps(record.unknown, sort_keys=True)}" if record.unknown else ""
    return f"{record.subject} {record.split} {record.file_sha256}{unknown}"


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a cohort of this format and version.

    Raises:
        CmrtfError: there is none.
    """
    path = folder / MANIFEST_NAME
    expected = f"the {MANIFEST_NAME} of a cohort that `cmrtf prepare` wrote"
    manifest = read_json(path, dict[str, Any], expected, LIST_BYTES)
    if manifest.get("format") != FORMAT_NAME:
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
    if not (manifest.get("subjects") or manifest.get("shards")):
        raise CmrtfError(f"{path}: expected at least one subject. Received: none.")
    require_json(manifest, ManifestEntry, path, "a complete record for every subject")
    return manifest


def unknown_code(path: Path, code: str, codes: Sequence[str]) -> CmrtfError:
    """The error of a subject that a cohort does not have; close or available codes are listed.

    Args:
        path: the cohort's folder.
        code: of the subject that was asked for.
        codes: of those that there are.
    """
    close = difflib.get_close_matches(code, codes, n=5)
    hint = f"Did you mean: {', '.join(close)}?" if close else f"It has: {listed(codes, MAX_CODES)}."
    return CmrtfError(f"{path}: expected one of its {len(codes)} subjects. Received: {code!r}. {hint}")


open_cohort = PreparedCohort.open
