"""One process per run directory."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from cmrtf.errors import CmrtfError

LOCK_FILE = "run.lock"


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a run directory, made if need be; however the process ends, its hold ends with it.

    The file stays: to remove it would let two processes hold two files of the same name.

    Raises:
        CmrtfError: another process holds it, or the folder cannot be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        file = (path / LOCK_FILE).open("w")
    except OSError as error:
        raise CmrtfError(f"{path}: expected a folder that can be written, but: {error}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CmrtfError(
                f"{path}: expected a run that nobody trains. Received: one that another process is training. "
                "Wait for it, or stop it with SIGTERM: it saves first."
            ) from error
        yield
