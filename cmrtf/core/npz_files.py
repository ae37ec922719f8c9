"""Arrays that cmrtf wrote with `numpy.savez`, read as what they should be.

A header of a few bytes can claim any number of gigabytes, and a compressed file can unfold into them. Here
nothing takes more memory than the file has bytes: `savez` does not compress, and what a header claims is
compared with what is there before it is read.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import DTypeLike, NDArray

from cmrtf.core.files import require_plain_file
from cmrtf.errors import FileError

MAX_BYTES = 2**31
"""Of a file: anatomies of a hundred thousand subjects, and some hundred times the stacks of one."""


@dataclass(frozen=True)
class Array:
    """What an array of a file is.

    Args:
        dtype: of its values; `str` for text of any length.
        shape: its lengths. A name stands for any length, the same wherever it stands.
    """

    dtype: DTypeLike
    shape: tuple[int | str, ...]


def read_npz(path: Path, arrays: Mapping[str, Array], expected: str) -> dict[str, NDArray[Any]]:
    """Read arrays by name; those that are not asked for stay unread.

    Args:
        path: the file.
        arrays: what each of them is.
        expected: what the file is, in words, for messages.

    Raises:
        FileError: the file is missing, special, too large, damaged or no npz; it lacks an array; or one is of
            another type or shape, or holds numbers that are not finite.
    """
    size = require_plain_file(path, expected, MAX_BYTES)
    lengths: dict[int | str, int] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: _read(archive, name, array, size, lengths) for name, array in arrays.items()}
    except (OSError, EOFError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        received = error.args[0] if isinstance(error, KeyError) else error
        raise FileError(path, f"expected {expected}. Received: {received}.") from error


def _read(
    archive: zipfile.ZipFile, name: str, array: Array, file_bytes: int, lengths: dict[int | str, int]
) -> NDArray[Any]:
    """One array, whose named lengths are noted or compared with those that were noted."""
    member = archive.getinfo(f"{name}.npy")
    if member.compress_type != zipfile.ZIP_STORED or member.file_size > file_bytes:
        raise ValueError(f"{name} compressed, or larger than the file")
    with archive.open(member) as stream:
        if npy.read_magic(stream) != (1, 0):
            raise ValueError(f"{name} of another version of npy")
        shape, _, dtype = npy.read_array_header_1_0(stream)
        if not _is_text(array, dtype) and dtype != np.dtype(array.dtype):
            raise ValueError(f"{name} of type {dtype}, expected {np.dtype(array.dtype)}")
        for wanted_length, length in zip(array.shape, shape, strict=False):
            lengths.setdefault(wanted_length, length if isinstance(wanted_length, str) else wanted_length)
        wanted = tuple(lengths.get(length, -1) for length in array.shape)
        if shape != wanted:
            raise ValueError(f"{name} of shape {shape}, expected {wanted}")
        if dtype.itemsize * int(np.prod(shape, dtype=object)) != member.file_size - stream.tell():
            raise ValueError(f"{name} of shape {shape} in {member.file_size} bytes")
    with archive.open(member) as stream:
        values = npy.read_array(stream, allow_pickle=False)
    if dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError(f"{name} with values that are not finite")
    return values


def _is_text(array: Array, dtype: np.dtype[Any]) -> bool:
    return array.dtype is str and dtype.kind == "U"
