"""Prepared subjects in shards: what need not fit in memory.

A shard holds the slices of some subjects, subject after subject, phase after phase, apex first. It is a
TFRecord file whose records all have one length, `size * size` float16 of the image and as many uint8 of
the label, so slice number n begins at a known place and is read alone; `tf.data.TFRecordDataset` reads the
same file from front to back. Beside it lies a JSON Lines file, a line per subject, which is read a line at
a time. In memory are codes, places, and a few bytes for each slice.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from cmrtf.cohort.record import TRAIN, VALIDATION, SubjectRecord, unknown_of_records
from cmrtf.core.subject import Subject
from cmrtf.core.unknown import Unknown
from cmrtf.errors import CmrtfError

SHARDS_FOLDER = "shards"
SLICES_SUFFIX = ".tfrecord"
SUBJECTS_SUFFIX = ".jsonl"

RECORD_HEADER = 12
"""Bytes in front of a TFRecord's data: its length and the length's checksum."""

RECORD_FOOTER = 4
"""Bytes behind it: its checksum."""

IMAGE_TYPE, LABEL_TYPE = np.dtype("<f2"), np.dtype(np.uint8)


def encode_slice(image: NDArray[np.floating], label_ids: NDArray[np.uint8]) -> bytes:
    """The data of one record.

    Args:
        image: `(size, size)` in [-1, 1].
        label_ids: `(size, size)`.
    """
    return image.astype(IMAGE_TYPE).tobytes() + label_ids.astype(LABEL_TYPE).tobytes()


def record_bytes(size: int) -> int:
    """From one slice of a shard to the next, in bytes."""
    return RECORD_HEADER + size * size * (IMAGE_TYPE.itemsize + LABEL_TYPE.itemsize) + RECORD_FOOTER


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
        CmrtfError: a shard is missing, or does not have the slices that its subjects need.
        KeyError, TypeError, ValueError: a line is no record.
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
                places[record["subject"]] = Place(
                    shard, offset, len(hearts), len(record["phases"]), record["num_slices"]
                )
                hearts += line["hearts"].encode()
            self._check_length(name, len(hearts) - first_slices[-1])
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
            CmrtfError: the shard cannot be read.
        """
        slices = self._places[record.subject].slices
        images, labels = StoredSlices(self, slices), StoredLabels(self, slices)
        return record.subject_of(
            {phase: (images[number], labels[number]) for number, phase in enumerate(record.phases)}
        )

    def slices(self, split: str) -> tuple["StoredSlices", "StoredLabels", NDArray[np.int64]]:
        """Images, labels, and which stack each slice is of; images and labels are read when asked for."""
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
        received = f"{path.stat().st_size} bytes" if path.is_file() else "no file"
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


def read_lines(path: Path, offset: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    """Lines of a shard's subjects, each with the byte where it begins.

    Args:
        path: the JSON Lines file.
        offset: byte to begin at.

    Raises:
        CmrtfError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            for line in file:
                yield offset, json.loads(line)
                offset += len(line)
    except (OSError, ValueError) as error:
        raise CmrtfError(
            f"{path}: expected the subjects of a shard. Received: {error}. Prepare the data again."
        ) from error
