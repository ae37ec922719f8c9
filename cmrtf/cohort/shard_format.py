"""What a shard is on disk.

A shard holds the slices of some subjects, subject after subject, phase after phase, apex first. It is a
TFRecord file whose records all have one length, `size * size` float16 of the image and as many uint8 of
the label, so slice number n begins at a known place and is read alone; `tf.data.TFRecordDataset` reads the
same file from front to back. Beside it lies a JSON Lines file, a line per subject, which is read a line at
a time.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.cohort.entries import ShardLine
from cmrtf.core.files import require_plain_file
from cmrtf.core.json_files import decode_json
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


def read_lines(path: Path, offset: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    """Lines of a shard's subjects, each with the byte where it begins.

    Args:
        path: the JSON Lines file.
        offset: byte to begin at.

    Raises:
        CmrtfError: it cannot be read.
    """
    require_plain_file(path, "the subjects of a shard", sys.maxsize)
    try:
        with path.open("rb") as file:
            file.seek(offset)
            for line in file:
                yield offset, decode_json(line, ShardLine, path, "the subjects of a shard")
                offset += len(line)
    except OSError as error:
        raise CmrtfError(
            f"{path}: expected the subjects of a shard. Received: {error}. Prepare the data again."
        ) from error
