"""Folders that are complete or not there."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from cmrtf.errors import CmrtfError


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


@contextlib.contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A temporary folder beside `out` that becomes `out` when the block ends well, and vanishes otherwise.

    Raises:
        CmrtfError: `out` is taken, cannot be written, or its disk is full.
    """
    require_new_folder(out)
    target = out.resolve()
    partial = target.with_name(f".{target.name}.partial-{os.getpid()}")
    try:
        partial.mkdir(parents=True)
        yield partial
        os.replace(partial, target)
    except OSError as error:
        raise CmrtfError(
            f"{out}: expected to be able to write here. Received: {error.strerror or error}."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
