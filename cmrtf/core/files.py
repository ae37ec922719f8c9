"""Files and folders that are complete or not there, locks, and hashes: the one place for each.

Whatever is written gets its final name in one step, when it is complete. A process that is killed leaves the
old content or the new one, beside a hidden `.partial-...` at most.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

from cmrtf.errors import CmrtfError, FileError


def require_new_folder(out: Path) -> None:
    """Check that `out` can become a new folder: worth asking before a long computation.

    Raises:
        CmrtfError: there is a file, or a folder with something in it.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CmrtfError(
            f"{out}: expected a folder that does not exist yet, or an empty one. Received: one that is "
            f"taken. Name another folder, or remove this one first."
        )


def require_new_file(path: Path) -> None:
    """Check that `path` can become a new file: worth asking before a long computation.

    Raises:
        CmrtfError: there is something already, or no folder to put it in.
    """
    if path.exists():
        raise CmrtfError(f"{path}: expected a file that does not exist yet. Received: one that does.")
    folder = path.resolve().parent
    if not folder.is_dir():
        raise CmrtfError(f"{path}: expected its folder to exist. Received: no {folder}.")


@contextlib.contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A temporary folder beside `out` that becomes `out` when the block ends well, and vanishes otherwise.

    Raises:
        CmrtfError: `out` is taken, cannot be written, or its disk is full.
    """
    require_new_folder(out)
    target = out.resolve()
    partial = _partial(target, unique=True)
    try:
        with writing_to(out):
            partial.mkdir(parents=True)
            yield partial
            os.replace(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextlib.contextmanager
def new_file(path: Path, shared: bool = False) -> Iterator[Path]:
    """A temporary file beside `path`, of the same suffixes, that becomes `path` when the block ends well.

    Args:
        path: in a folder that exists; a file that is there is replaced.
        shared: whether several processes may be writing `path` at the same time. Each then has a temporary
            file of its own. Otherwise the next attempt takes over the name that a killed one left, so that
            remains do not gather in folders that other programs read.
    """
    partial = _partial(path, unique=shared)
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


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


@contextlib.contextmanager
def lock(path: Path, refusal: str) -> Iterator[None]:
    """Hold a lock for this process alone; however the process ends, its hold ends with it.

    The file stays. Who removes it does so within the block.

    Args:
        path: the lock's file, made if need be, in a folder that exists.
        refusal: the message if another process holds it.

    Raises:
        CmrtfError: another process holds it.
    """
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CmrtfError(refusal) from error
        yield


def prune(folder: Path, expected: Set[Path]) -> None:
    """Remove all files of a folder but those that are expected, and the folder if it is empty then.

    Args:
        folder: may be absent.
        expected: files to leave alone.
    """
    for path in list(folder.glob("*")):
        if path not in expected:
            path.unlink()
    if folder.exists() and not any(folder.iterdir()):
        folder.rmdir()


def write_json(path: Path, value: Any) -> None:
    """Write a file that is complete or not there, for people to read too."""
    with new_file(path) as partial:
        partial.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def is_file(path: Path) -> bool:
    """Whether there is such a file; False too for names that no file system takes."""
    return os.path.isfile(path)


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
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise FileError(file, f"expected to be able to read it. Received: {error.strerror}.") from error


def _partial(path: Path, unique: bool) -> Path:
    """Where to write what is to become `path`: beside it, so that renaming is not copying."""
    token = f"{uuid.uuid4().hex}-" if unique else ""
    return path.with_name(f".partial-{token}{path.name}")
