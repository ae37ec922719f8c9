"""Prepared subjects in shards: what need not fit in memory.

In memory are codes, places, and a few bytes for each slice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from cmrtf.cohort.npz_store import to_npz
from cmrtf.cohort.record import TRAIN, VALIDATION, SubjectRecord, unknown_of_records
from cmrtf.cohort.shard_format import (
    IMAGE_TYPE,
    LABEL_TYPE,
    RECORD_HEADER,
    SHARDS_FOLDER,
    SLICES_SUFFIX,
    SUBJECTS_SUFFIX,
    read_lines,
    record_bytes,
)
from cmrtf.core.files import is_file, sha256
from cmrtf.core.issues import listed
from cmrtf.core.subject import Subject
from cmrtf.core.unknown import Unknown
from cmrtf.errors import CmrtfError


@dataclass(frozen=True, slots=True)
class Place:
    """Where one subject lies.

    Args:
        shard: number of its shard.
        line: byte at which its line of the JSON Lines file begins.
        first_slice: number of its first slice, counted over all shards.
        num_stacks: its phases.
        num_slices: of each of its stacks.
    """

    shard: int
    line: int
    first_slice: int
    num_stacks: int
    num_slices: int

    @property
    def slices(self) -> NDArray[np.int64]:
        """`(stacks, slices)`: numbers of its slices, counted over all shards."""
        stop = self.first_slice + self.num_stacks * self.num_slices
        return np.arange(self.first_slice, stop).reshape(self.num_stacks, self.num_slices)


class Shards:
    """Records and stacks in `shards/`.

    Args:
        folder: the cohort's folder.
        size: pixels of a slice along each side.
        names: of the shards, without suffix.
        validation: codes of the subjects that validate.

    Attributes:
        hearts: `(slices,)`, which slices show a heart.

    Raises:
        CmrtfError: a shard is missing, lacks slices of its subjects, or a line is no record.
    """

    def __init__(self, folder: Path, size: int, names: Sequence[str], validation: Sequence[str]) -> None:
        self.size = size
        self.names = tuple(names)
        self._folder = folder / SHARDS_FOLDER
        self._validation = frozenset(validation)
        places: dict[str, Place] = {}
        first_slices, hearts = [], bytearray()
        self._has_unknown = False
        for shard, name in enumerate(names):
            first_slices.append(len(hearts))
            for offset, line in read_lines(self._folder / f"{name}{SUBJECTS_SUFFIX}"):
                record = line["record"]
                self._has_unknown = self._has_unknown or "unknown" in record
                if record["subject"] in places:
                    raise ValueError(f"{record['subject']} twice")
                places[record["subject"]] = Place(
                    shard, offset, len(hearts), len(record["phases"]), record["num_slices"]
                )
                hearts += line["hearts"].encode()
            self._check_length(name, len(hearts) - first_slices[-1])
        if unknown := sorted(self._validation - places.keys()):
            raise ValueError(f"validation subjects that are in no shard: {listed(unknown)}")
        self._places = dict(sorted(places.items()))
        self._first_slices = np.array(first_slices)
        self.hearts = np.frombuffer(hearts, np.uint8) == ord("1")

    @property
    def records(self) -> Sequence[SubjectRecord]:
        """One per subject, each read when asked for."""
        return _Records(self)

    def codes(self, split: str | None) -> tuple[str, ...]:
        """Subject codes, of one split or of all."""
        return tuple(code for code in self._places if split in (None, self._split(code)))

    def record(self, code: str) -> SubjectRecord:
        """The record of one subject; KeyError if there is none."""
        place = self._places[code]
        path = self._folder / f"{self.names[place.shard]}{SUBJECTS_SUFFIX}"
        _, line = next(read_lines(path, place.line))
        return SubjectRecord.from_dict(line["record"] | {"split": self._split(code)})

    def load(self, record: SubjectRecord) -> Subject:
        """Read one subject's stacks.

        Raises:
            CmrtfError: the shard cannot be read, or does not hold what was prepared.
        """
        place = self._places[record.subject]
        file = self._folder / f"{self.names[place.shard]}{SLICES_SUFFIX}"
        images, labels = StoredSlices(self, place.slices), StoredLabels(self, place.slices)
        arrays = {phase: (images[number], labels[number]) for number, phase in enumerate(record.phases)}
        subject = record.subject_of(arrays, file)
        record.require_content(sha256(to_npz(subject.stacks)), file)
        hearts = [stack.has_heart for stack in subject.stacks.values()]
        if not np.array_equal(self.hearts[place.slices], hearts):
            raise CmrtfError(
                f"{file.with_suffix(SUBJECTS_SUFFIX)}: expected which slices of {record.subject} show a "
                "heart. Received: others. Prepare the data again."
            )
        return subject

    def slices(self, split: str) -> tuple["StoredSlices", "StoredLabels", NDArray[np.int64]]:
        """Images, labels, and which stack each slice is of; images and labels are read when asked for.

        All are read once, to compare them with what was prepared (8 ms a subject).
        """
        for code in self.codes(split):
            self.load(self.record(code))
        stacks = [stack for code in self.codes(split) for stack in self._places[code].slices]
        rows = np.concatenate(stacks)
        stack_numbers = np.repeat(np.arange(len(stacks)), [len(stack) for stack in stacks])
        return StoredSlices(self, rows), StoredLabels(self, rows), stack_numbers

    def unknown(self, split: str) -> Unknown:
        """What the labels of the same slices leave open."""
        return unknown_of_records(map(self.record, self.codes(split))) if self._has_unknown else None

    def read(self, row: int, begin: int, out: memoryview) -> None:
        """Read a part of a slice's record.

        Args:
            row: number of the slice, counted over all shards.
            begin: first byte of the record's data.
            out: what to fill.

        Raises:
            CmrtfError: the shard cannot be read.
        """
        shard = int(np.searchsorted(self._first_slices, row, side="right")) - 1
        path = self._folder / f"{self.names[shard]}{SLICES_SUFFIX}"
        row_of_shard = row - int(self._first_slices[shard])
        offset = row_of_shard * record_bytes(self.size) + RECORD_HEADER + begin
        try:
            # Not a memory map: its pages would count as ours, and a file that was cut would end the process.
            with path.open("rb", buffering=0) as file:
                file.seek(offset)
                received = file.readinto(out)
        except OSError as error:
            raise CmrtfError(
                f"{path}: expected to be able to read it. Received: {error.strerror}."
            ) from error
        if received != out.nbytes:
            raise CmrtfError(
                f"{path}: expected {out.nbytes} bytes from byte {offset}. Received: {received}. "
                f"Prepare the data again."
            )

    def _split(self, code: str) -> str:
        return VALIDATION if code in self._validation else TRAIN

    def _check_length(self, name: str, num_slices: int) -> None:
        path = self._folder / f"{name}{SLICES_SUFFIX}"
        expected = num_slices * record_bytes(self.size)
        received = f"{path.stat().st_size} bytes" if is_file(path) else "no file"
        if received != f"{expected} bytes":
            raise CmrtfError(
                f"{path}: expected {num_slices} slices of {self.size} x {self.size}, {expected} bytes. "
                f"Received: {received}. Prepare the data again."
            )


class StoredSlices:
    """Images in shards, indexed like an array: numbers read slices, a mask chooses without reading.

    Args:
        shards: where they are.
        rows: their numbers, counted over all shards, in any shape.
    """

    stored: np.dtype[Any] = IMAGE_TYPE
    dtype: np.dtype[Any] = np.dtype(np.float32)
    bytes_before = 0
    """Of a pixel, in front of this part of the record."""

    def __init__(self, shards: Shards, rows: NDArray[np.int64]) -> None:
        self.shards = shards
        self.rows = rows

    @property
    def shape(self) -> tuple[int, ...]:
        """`(..., size, size)`."""
        return (*self.rows.shape, self.shards.size, self.shards.size)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        chosen = type(self)(self.shards, self.rows[index])
        return chosen if np.asarray(index).dtype == bool else chosen._read()

    def _read(self) -> NDArray[Any]:
        slices = np.empty(self.shape, self.stored)
        begin = self.shards.size**2 * self.bytes_before
        for row, out in zip(self.rows.ravel(), slices.reshape(-1, *self.shape[-2:]), strict=True):
            self.shards.read(int(row), begin, memoryview(out).cast("B"))
        return slices.astype(self.dtype, copy=False)


class StoredLabels(StoredSlices):
    """Label ids in shards."""

    stored = dtype = LABEL_TYPE
    bytes_before = IMAGE_TYPE.itemsize

    def any(self, axis: tuple[int, int]) -> NDArray[np.bool_]:
        """`any(axis=(1, 2))`: which slices show a heart, known without reading them."""
        return self.shards.hearts[self.rows]


class _Records(Sequence[SubjectRecord]):
    """The records of shards, each read when asked for."""

    def __init__(self, shards: Shards) -> None:
        self._shards = shards
        self._codes = shards.codes(None)

    def __len__(self) -> int:
        return len(self._codes)

    @overload
    def __getitem__(self, index: int) -> SubjectRecord: ...
    @overload
    def __getitem__(self, index: slice) -> list[SubjectRecord]: ...
    def __getitem__(self, index: int | slice) -> SubjectRecord | list[SubjectRecord]:
        if isinstance(index, slice):
            return [self._shards.record(code) for code in self._codes[index]]
        return self._shards.record(self._codes[index])
