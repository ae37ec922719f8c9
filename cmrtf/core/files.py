"""Files and folders that are complete or not there, locks, and hashes: the one place for each.

Whatever is written gets its final name in one step, when it is complete. Until then it lies in a hidden
folder beside it, which the writing process holds a lock on. So remains of a process that was killed are told
from what another one is working on, in other containers too, and go when somebody writes there again.
"""

import contextlib
import errno
import hashlib
import json
import os
import stat
import sys
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any, Final

from cmrtf.core.locks import sweep, workshop
from cmrtf.core.stopping import raise_if_stopped
from cmrtf.errors import CmrtfError, FileError

PROBE_BYTES: Final = 4096
"""What is written to see whether a disk takes anything."""


def real_path(path: str | os.PathLike[str]) -> Path:
    """Where a path leads, links followed; one in a circle stays as it is, and nothing can be opened there.

    `Path.resolve` raises `RuntimeError` for such, in Python 3.12 and before.

    Raises:
        FileError: no file can have such a name, with a null character in it.
    """
    try:
        return Path(os.path.realpath(path))
    except ValueError as error:
        raise FileError(Path(path), f"expected a name that a file can have. Received: {error}.") from error


def require_new_folder(out: Path) -> None:
    """Check that `out` can become a new folder: worth asking before a long computation.

    Raises:
        CmrtfError: there is a file, or a folder with something in it, or it cannot be written.
    """
    with writing_to(out):
        _require_free(out)
    require_writable(out)


def require_new_file(path: Path) -> None:
    """Check that `path` can become a new file: worth asking before a long computation.

    Raises:
        CmrtfError: there is something already, or no folder to put it in, or it cannot be written.
    """
    if os.path.lexists(path):  # False too of names that no file system takes
        raise CmrtfError(f"{path}: expected a file that does not exist yet. Received: one that does.")
    folder = real_path(path).parent
    if not is_folder(folder):
        raise CmrtfError(f"{path}: expected its folder to exist. Received: no {folder}.")
    require_writable(path)


def require_writable(path: Path) -> None:
    """Check that `path` can be written, file or folder, by trying: worth asking before a long computation.

    What dead processes left where it was tried is removed.

    Args:
        path: a folder to write into, or what is to be made; folders above it may be missing too.

    Raises:
        CmrtfError: the place is read-only or no folder, its disk is full, or it takes no such name.
    """
    with writing_to(path):
        target = real_path(path)
        place = target.parent if target.is_file() else target
        while not place.exists():  # the root does
            if place.is_symlink():
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            place = place.parent
        sweep(place)
        with workshop(place, "probe") as folder:
            probe = folder / target.relative_to(place)
            probe.mkdir(parents=True, exist_ok=True)
            (probe / "probe").write_bytes(bytes(PROBE_BYTES))


def is_free(folder: Path, ignoring: str = "") -> bool:
    """Whether nothing visible lies in a folder.

    Args:
        folder: on a disk that may be new, and then has a `lost+found`.
        ignoring: the name of a file that does not count either.
    """
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    return not names - {"lost+found", ignoring}


@contextlib.contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A temporary folder that becomes `out` when the block ends well, and vanishes otherwise.

    A folder that is there is filled, not replaced: it may be where a disk is mounted, have rights of its own,
    or be the one that somebody stands in. What was written last comes last, and names the rest.

    Raises:
        CmrtfError: `out` is taken, cannot be written, its disk is full, or another process is making it.
    """
    refusal = (
        f"{out}: expected a folder that nobody else writes. Received: one that another process is making. "
        f"Wait for it or name another folder."
    )
    with writing_to(out):
        _require_free(out)
        target = real_path(out)
        is_there = target.is_dir()
        place = target if is_there else target.parent
        if not place.exists():
            place.mkdir(parents=True, exist_ok=True)
        with workshop(place, target.name, refusal) as hidden:
            folder = hidden / target.name
            folder.mkdir()
            yield folder
            raise_if_stopped()
            _require_free(out)
            if is_there:
                for path in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns):
                    path.rename(target / path.name)
            else:
                folder.rename(target)


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A temporary file of the same name that becomes `path` when the block ends well, and vanishes otherwise.

    Several may write the same file at once: who ends last wins.

    Args:
        path: in a folder that exists; a file that is there is replaced.
    """
    with workshop(path.parent, path.name) as folder:
        yield folder / path.name
        raise_if_stopped()
        os.replace(folder / path.name, path)


def write_text(path: Path, text: str) -> None:
    """Write a file that is complete or not there, in UTF-8."""
    with new_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a file that is complete or not there, for people to read too."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


@contextlib.contextmanager
def writing_to(out: Path) -> Iterator[None]:
    """A block in which a refusal of the disk becomes an error for the user to act on.

    Raises:
        CmrtfError: `out` cannot be written, or its disk is full.
    """
    try:
        yield
    except OSError as error:
        raise CmrtfError(
            f"{out}: expected to be able to write here. Received: {error.strerror or error}."
        ) from error


def prune(folder: Path, expected: Set[Path]) -> None:
    """Remove all files of a folder but those that are expected, and the folder if it is empty then.

    Args:
        folder: may be absent.
        expected: files to leave alone.
    """
    if not folder.exists():
        return
    sweep(folder)
    for path in list(folder.iterdir()):
        if path not in expected and not path.is_dir():
            path.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()


def exists(path: Path) -> bool:
    """Whether there is such a file or folder; False too for names that no file system takes.

    Methods of `Path` that ask so raise `OSError` for names that are too long.
    """
    return os.path.exists(path)


def is_file(path: Path) -> bool:
    """Whether there is such a file, as `exists` says it."""
    return os.path.isfile(path)


def is_folder(path: Path) -> bool:
    """Whether there is such a folder, as `exists` says it."""
    return os.path.isdir(path)


def require_plain_file(path: Path, expected: str, max_bytes: int) -> int:
    """Check that a file is one of data, not a pipe or a device that never ends, and not too large.

    Args:
        path: the file.
        expected: what it should be, for messages.
        max_bytes: what such a file has at most.

    Returns:
        its size in bytes.

    Raises:
        FileError: it is missing, special or too large.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:  # no such name: a null character, or too long
        received = getattr(error, "strerror", None) or error
        raise FileError(path, f"expected {expected}. Received: {received}.") from error
    if not stat.S_ISREG(status.st_mode):
        raise FileError(path, f"expected {expected}. Received: what is not a file.")
    if status.st_size > max_bytes:
        raise FileError(
            path, f"expected {expected}, of {max_bytes:,} bytes at most. Received: {status.st_size:,} bytes."
        )
    return status.st_size


def read_plain_file(path: Path, expected: str, max_bytes: int) -> bytes:
    """The content of a file; arguments and errors as of `require_plain_file`.

    Raises:
        FileError: it cannot be read, too.
    """
    require_plain_file(path, expected, max_bytes)
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileError(path, f"expected {expected}. Received: {error.strerror}.") from error


def sha256(content: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(content).hexdigest()


def sha256_of(file: Path) -> str:
    """Hexadecimal SHA-256 of a file's content, whatever its size; of a folder, of its files and their names.

    Raises:
        FileError: it cannot be read.
    """
    try:
        if file.is_dir():
            inner = sorted(path for path in file.rglob("*") if is_file(path))
            lines = [f"{path.relative_to(file)} {sha256_of(path)}" for path in inner]
            return sha256("\n".join(lines).encode(errors="surrogateescape"))
        require_plain_file(file, "to be able to read it", sys.maxsize)
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise FileError(file, f"expected to be able to read it. Received: {error.strerror}.") from error


def _require_free(out: Path) -> None:
    """Check that a folder is not there, or has nothing in it."""
    if out.exists() and not (out.is_dir() and is_free(out)):
        raise CmrtfError(
            f"{out}: expected a folder that does not exist yet, or an empty one. Received: one that is "
            f"taken. Name another folder, or remove this one first."
        )
