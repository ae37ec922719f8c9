"""Locks, and hidden folders in which files are made: what a process holds on disk while it lives.

A lock is `flock`'s: it ends with its process, however that ends, and holds between containers that share a
disk, where the number of a process says nothing.
"""

import contextlib
import fcntl
import hashlib
import itertools
import logging
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from cmrtf.core.stopping import raise_if_stopped
from cmrtf.errors import CmrtfError, FileError

PREFIX: Final = ".partial-"
"""How the names of hidden folders begin."""

LOCK: Final = "cmrtf.lock"
"""The file in them that is held."""

MAX_NAME: Final = 200
"""Bytes; file systems take 255."""

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def lock(path: Path, refusal: str | None, shared: bool = False) -> Iterator[None]:
    """Hold a lock; however the process ends, its hold ends with it.

    The file stays. Who removes it does so within the block: others notice, and make a new one.

    Args:
        path: the lock's file, in a folder that exists; made if need be, unless the lock is shared.
        refusal: the message if another process holds it; None to wait for it.
        shared: whether others may share it, who then only need to be able to read the file.

    Raises:
        CmrtfError: another process holds it.
    """
    held = _try_lock(path, shared)
    if not held:
        if refusal is not None:
            raise CmrtfError(refusal)
        logger.info("Waiting for another process, which holds %s.", path)
        held = _try_lock(path, shared, wait=True)
    assert held, "who waits gets it"
    with held:
        yield


@contextlib.contextmanager
def workshop(place: Path, name: str, refusal: str | None = None) -> Iterator[Path]:
    """An empty hidden folder for this process to make something in, on the disk on which it will stay.

    Its name is the first that no living process holds, so that remains do not gather.

    Args:
        place: where the folder is made.
        name: of what is made.
        refusal: the message if another process makes the same; None to let it.

    Raises:
        CmrtfError: another process makes the same.
        Stopped: the process was asked to stop.
    """
    raise_if_stopped()
    encoded = os.fsencode(name)
    label = name if len(encoded) <= MAX_NAME else hashlib.sha256(encoded).hexdigest()
    for number in itertools.count():
        folder = place / f"{PREFIX}{number}-{label}"
        if held := _hold(folder):
            with held:
                try:
                    _empty(folder)
                    yield folder
                finally:
                    _remove(folder)
            return
        if refusal:
            raise CmrtfError(refusal)


def sweep(folder: Path) -> None:
    """Remove what processes that are dead left half-written in a folder."""
    for path in folder.glob(f"{PREFIX}*/"):
        # What cannot be removed is no reason to stop: who needs the place will be told.
        with contextlib.suppress(OSError):
            if os.path.exists(path / LOCK) and (held := _try_lock(path / LOCK)):
                with held:
                    _remove(path)


def _hold(folder: Path) -> IO[str] | None:
    """Make and lock a workshop; None if another process holds it."""
    while True:
        with contextlib.suppress(FileExistsError):  # exist_ok would ask again whether it is there still
            folder.mkdir()
        with contextlib.suppress(FileNotFoundError):  # it was removed in between
            return _try_lock(folder / LOCK)


def _try_lock(path: Path, shared: bool = False, wait: bool = False) -> IO[str] | None:
    """An open file that holds a lock until it is closed; None if another process holds it."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would wait for its writer
            raise FileError(path, "expected a lock. Received: what is not a file.")
    how = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
    while True:
        file = path.open("r" if shared else "a")
        try:
            fcntl.flock(file, how)
            if _is_at(file, path):
                return file
        except BlockingIOError:
            file.close()
            return None
        file.close()  # it was removed, or replaced, before it was held


def _is_at(file: IO[str], path: Path) -> bool:
    """Whether an open file is the one that has this name."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    return False


def _empty(folder: Path) -> None:
    """Remove what a dead process left in a workshop that is held."""
    for path in folder.iterdir():
        if path.name == LOCK:
            continue
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def _remove(folder: Path) -> None:
    """Remove a workshop that is held; its lock last, for then it may be another's."""
    with contextlib.suppress(OSError):
        _empty(folder)
        (folder / LOCK).unlink()
        folder.rmdir()
