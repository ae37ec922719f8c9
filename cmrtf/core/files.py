"""Folders and files that are complete or not there."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
        with writing_to(out):
            partial.mkdir(parents=True)
            yield partial
            os.replace(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextlib.contextmanager
def writing_to(out: Path) -> Iterator[None]:
    """A block in which the disk's refusals are the user's to mend.

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
def new_file(path: Path) -> Iterator[Path]:
    """A temporary file beside `path`, of the same suffixes, that becomes `path` when the block ends well."""
    partial = path.with_name(f".partial-{path.name}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write a file that is complete or not there, for people to read too."""
    with new_file(path) as partial:
        partial.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def is_file(path: Path) -> bool:
    """Whether there is such a file; False too for names that no file system takes."""
    return os.path.isfile(path)
