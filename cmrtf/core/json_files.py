"""JSON that cmrtf wrote, checked against types: whatever was done to a file, it is right or refused.

A type says what a file must hold: a `Struct` for an object and its entries, `list`, `tuple`, `dict`, and
numbers with a range. Nothing is converted: a text is no number, 1.0 is no whole number, and none is NaN. What
is returned is plain, with entries that no type names too, so that others may add some.

A type cannot tell a number from another one. So what later commands build on carries a checksum of its own
entries, which is compared when it is read: a mean voxel size or a split that somebody edited is no result.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import numpy as np
from msgspec import Meta, Struct

from cmrtf.core.arguments import MAX_SEED
from cmrtf.core.files import read_plain_file, sha256
from cmrtf.errors import FileError

RECORD_BYTES = 2**20
"""What a file about one thing holds at most: a run, a bundle, a subject. They are of some kilobytes."""

LIST_BYTES = 2**29
"""What a file with an entry for each subject of a cohort holds at most: a hundred thousand of 5 kB."""

CHECKSUM: Final = "checksum"
"""Entry of an object that has a checksum. Those that earlier versions wrote have none."""

Text = Annotated[str, Meta(max_length=1000)]
"""A name, a vendor, a version."""

Code = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"\A[^/\x00]+\Z")]
"""Of a subject. Files are named after it: it must not lead to another folder."""

Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]

Count = Annotated[int, Meta(ge=1, le=2**31)]
"""Of what there is at least one."""

Seed = Annotated[int, Meta(ge=0, le=MAX_SEED)]

Intensity = Annotated[float, Meta(ge=-1e12, le=1e12)]
"""In the units of a scanner."""


class IntensityWindow(Struct, array_like=True, forbid_unknown_fields=True):
    """`[low, high]`: the source values of -1 and 1."""

    low: Intensity
    high: Intensity

    def __post_init__(self) -> None:
        """Refuse what would make images flat or not finite."""
        if not np.float32(self.low) < np.float32(self.high):
            raise ValueError(f"Expected an intensity window that rises, got [{self.low:g}, {self.high:g}]")


Row = tuple[float, float, float, float]


class Affine(Struct, array_like=True, forbid_unknown_fields=True):
    """`(4, 4)`, rows from top to bottom: one with an inverse, in voxels or millimetres."""

    x: Row
    y: Row
    z: Row
    last: Row

    def __post_init__(self) -> None:
        """Refuse what has no inverse, or has numbers that nothing measures."""
        if self.last != (0.0, 0.0, 0.0, 1.0):
            raise ValueError("Expected an affine with a last row of 0, 0, 0, 1")
        (a, b, c, _), (d, e, f, _), (g, h, i, _) = self.x, self.y, self.z
        volume = abs(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g))
        if not 1e-6 < volume < 1e6 or max(map(abs, (*self.x, *self.y, *self.z))) > 1e6:
            raise ValueError(f"Expected an affine of voxels that have a volume, got one of {volume:g}")


def read_json(path: Path, kind: Any, expected: str, max_bytes: int = RECORD_BYTES) -> Any:
    """Read a JSON file.

    Args:
        path: the file.
        kind: what it must hold.
        expected: the same in words, for messages.
        max_bytes: what such a file has at most.

    Returns:
        its content: `dict`, `list`, `str`, `int`, `float`, `bool` and None.

    Raises:
        FileError: the file is missing, special, too large, no JSON, or holds something else.
    """
    return decode_json(read_plain_file(path, expected, max_bytes), kind, path, expected)


def decode_json(text: bytes, kind: Any, path: Path, expected: str) -> Any:
    """Read JSON that is a part of a file; arguments and errors as of `read_json`."""
    try:
        content = msgspec.json.decode(text)
    except (ValueError, RecursionError) as error:
        raise FileError(path, f"expected {expected}. Received: {error}.") from error
    require_json(content, kind, path, expected)
    if isinstance(content, dict) and content.get(CHECKSUM, checksum := checksum_of(content)) != checksum:
        raise FileError(
            path,
            f"expected {expected}, as cmrtf wrote it, with the checksum {content[CHECKSUM]!s:.12}... "
            f"Received: {checksum[:12]}...: changed or damaged. Make it again.",
        )
    return content


def with_checksum(values: Mapping[str, Any]) -> dict[str, Any]:
    """Entries that are about to be written as JSON, and the checksum that they are read with."""
    return {**values, CHECKSUM: checksum_of(msgspec.json.decode(json.dumps(values)))}


def checksum_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of the entries of an object as JSON gives them, whatever their order and their layout were."""
    others = {name: value for name, value in content.items() if name != CHECKSUM}
    return sha256(msgspec.json.encode(others, order="sorted"))


def require_json(content: Any, kind: Any, path: Path, expected: str) -> None:
    """Check what was read already; arguments and errors as of `read_json`."""
    try:
        msgspec.convert(content, kind)
    except (ValueError, RecursionError) as error:
        raise FileError(path, f"expected {expected}. Received: {error}.") from error
