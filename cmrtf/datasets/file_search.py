"""Finds a data set's files however deep they lie."""

import os
from collections.abc import Iterator
from pathlib import Path

from cmrtf.core.files import is_file


def visible_files(root: Path) -> Iterator[Path]:
    """All files under a folder, in order of their folders.

    Linked folders are followed, each once, since people link subsets of a data set together. Hidden
    files and folders are passed over: some archives bring a twin `._name` of every file.
    """
    visited = set()
    for folder, subfolders, names in os.walk(root, followlinks=True):
        real_folder = os.path.realpath(folder)
        if real_folder in visited:
            subfolders.clear()
            continue
        visited.add(real_folder)
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))


def volume_file(folder: Path, stem: str) -> Path:
    """Where a folder keeps a volume: `<stem>.nii.gz`, or `<stem>.nii` if only that is there."""
    compressed, plain = folder / f"{stem}.nii.gz", folder / f"{stem}.nii"
    return plain if is_file(plain) and not is_file(compressed) else compressed
