"""The folder that a cohort is prepared in: one process at a time, and never a broken cohort.

`manifest.json` makes a cohort. Files get their names when they are complete, no file that a manifest names
is ever changed, and the manifest is replaced in one step, last. So a process that is killed leaves the old
cohort or the new one, and finished files that the next process goes on with.
"""

import contextlib
import fcntl
import json
import os
import uuid
from collections.abc import Iterator, Set
from pathlib import Path
from typing import BinaryIO

from cmrtf.cohort.cohort import FORMAT_NAME, MANIFEST_NAME
from cmrtf.cohort.npz_store import SUBJECTS_FOLDER
from cmrtf.cohort.shard_store import SHARDS_FOLDER
from cmrtf.core.files import require_new_folder, writing_to
from cmrtf.errors import CmrtfError

LOCK_NAME = ".preparing"
"""Marks the folder of a cohort in the making. The lock itself goes with the process that holds it."""


def require_cohort_folder(out: Path) -> None:
    """Check that a cohort can be prepared in `out`: new or empty, a cohort, or one in the making.

    Raises:
        CmrtfError: there is something else.
    """
    if not (out / LOCK_NAME).is_file() and not _is_cohort(out):
        require_new_folder(out)


@contextlib.contextmanager
def claimed(out: Path) -> Iterator[Path]:
    """`out`, for this process alone; the mark of a cohort in the making goes when the block ends well.

    Raises:
        CmrtfError: another process is preparing there, or the folder cannot be written, or its disk is full.
    """
    with writing_to(out):
        out.mkdir(parents=True, exist_ok=True)
        with (out / LOCK_NAME).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CmrtfError(
                    f"{out}: expected a folder that nobody else is working on. Received: one that another "
                    f"cmrtf prepare is writing to. Wait for it or name another folder."
                ) from None
            yield out
            (out / LOCK_NAME).unlink()


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file that appears, or replaces another, when the block ends well."""
    partial = partial_name(path)
    with partial.open("wb") as file:
        yield file
    os.replace(partial, path)


def partial_name(path: Path) -> Path:
    """Where to write what is to become `path`: a new name each time, since two may be writing the same.

    `sweep` removes what was left there.
    """
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")


def sweep(folder: Path, named: Set[Path]) -> None:
    """Remove what the manifest does not name.

    Args:
        folder: the cohort's.
        named: the files to keep.
    """
    for part in (folder / SUBJECTS_FOLDER, folder / SHARDS_FOLDER):
        for path in list(part.glob("*")):
            if path not in named:
                path.unlink()
        if part.exists() and not any(part.iterdir()):
            part.rmdir()


def _is_cohort(folder: Path) -> bool:
    try:
        manifest = json.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("format") == FORMAT_NAME
