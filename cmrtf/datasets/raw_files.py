"""What lies below a raw data set's folder: its files, volumes by their names, and what cannot be looked into.

Only hidden files are passed over without a word: some archives hold a hidden `._name` of every file.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cmrtf.core.files import is_file
from cmrtf.core.issues import ERROR, WARNING, Issue, listed
from cmrtf.errors import FileError

VOLUME_SUFFIXES: Final = (".nii", ".nii.gz")

LIKE_A_VOLUME = re.compile(r".+\.(nii|nii\.gz|mha|nrrd|part)", re.IGNORECASE | re.DOTALL)
"""Names of volumes, of downloads that were not finished too."""

NAMED = 5
"""Of the volumes that are left out."""


@dataclass(frozen=True)
class Listing:
    """What lies below a folder.

    Args:
        files: all that can be named, however deep they lie, in order of their folders.
        issues: an error for each folder that cannot be read, each link that leads nowhere, and each folder
            or volume whose name is not UTF-8, which TensorFlow and manifests cannot name. Its subject is the
            folder's or file's name.
    """

    files: tuple[Path, ...]
    issues: tuple[Issue, ...]


def list_files(root: Path) -> Listing:
    """List all files under a folder.

    Linked folders are followed, each once, since people link subsets of a data set together.
    """
    files: list[Path] = []
    issues: list[Issue] = []
    visited = set()

    def unreadable(error: OSError) -> None:
        problem = f"expected to be able to read this folder. Received: {error.strerror}."
        issues.append(_issue(Path(error.filename), problem))

    for folder, subfolders, names in os.walk(root, followlinks=True, onerror=unreadable):
        real_folder = os.path.realpath(folder)
        if real_folder in visited:
            subfolders.clear()
            continue
        visited.add(real_folder)
        if not os.access(folder, os.X_OK):  # its names can be listed, but nothing in it opened
            unreadable(PermissionError(0, "Permission denied", folder))
        subfolders[:] = _visible(subfolders)
        issues += [_name_issue(Path(folder, name)) for name in subfolders if not _is_utf8(name)]
        subfolders[:] = filter(_is_utf8, subfolders)
        for path in (Path(folder, name) for name in _visible(names)):
            if not _is_utf8(path.name):
                issues += [_name_issue(path)] if path.name.endswith(VOLUME_SUFFIXES) else []
                continue
            files.append(path)
            # Whether a volume is needed only its reader knows.
            if not path.name.endswith(VOLUME_SUFFIXES) and _leads_nowhere(path):
                issues.append(_issue(path, "expected what this link leads to. Received: nothing."))
    return Listing(tuple(files), tuple(issues))


def visible_files(root: Path) -> tuple[Path, ...]:
    """All files under a folder, however deep they lie, in order of their folders."""
    return list_files(root).files


def is_there(path: Path) -> bool:
    """Whether something has this name, be it a link that leads nowhere."""
    return os.path.lexists(path)


def volume_file(folder: Path, stem: str) -> Path:
    """Where a folder keeps a volume: `<stem>.nii.gz`, or `<stem>.nii` if only that is there.

    Raises:
        FileError: both are there.
    """
    compressed, plain = folder / f"{stem}.nii.gz", folder / f"{stem}.nii"
    if not is_there(plain):
        return compressed
    if is_there(compressed):
        problem = f"expected it or {compressed.name}. Received: both. Remove the one that is out of date."
        raise FileError(plain, problem)
    return plain


def require_partner(image: Path, label: Path) -> None:
    """Check that both files of a pair are there.

    Raises:
        FileError: naming the one that is there, or the one that is no file.
    """
    for there, missing, what in ((label, image, "image"), (image, label, "label")):
        if not is_there(missing):
            raise FileError(there, f"expected the {what} {missing.name} beside it. Received: none.")
    for path in (image, label):
        if _leads_nowhere(path):
            raise FileError(path, "expected a NIfTI file. Received: a link that leads nowhere.")
        if not is_file(path):
            raise FileError(path, "expected a NIfTI file. Received: what is not a file.")


def subject_folders(root: Path, file_name: re.Pattern[str]) -> list[tuple[str, Path]]:
    """Codes and the folders that hold their image or label, in order of the codes.

    Args:
        root: the data set's folder.
        file_name: of image and label; its group `code` is the subject's.
    """
    files = ((file_name.fullmatch(path.name), path.parent) for path in visible_files(root))
    return sorted({(match["code"], folder) for match, folder in files if match})


def stranger_issues(root: Path, layout: str, is_known: Callable[[Path], object]) -> tuple[Issue, ...]:
    """A warning of volumes that no subject claims, so that none goes missing without a word.

    Args:
        root: the data set's folder.
        layout: the names that are looked for, for the message.
        is_known: whether a file's name is one of the layout, be it read or knowingly passed over.
    """
    volumes = (path for path in visible_files(root) if LIKE_A_VOLUME.fullmatch(path.name))
    strangers = [path for path in volumes if not is_known(path)]
    if not strangers:
        return ()
    names = listed([path.name for path in strangers], NAMED)
    expected = f"expected names of volumes such as {layout}"
    problem = f"{expected}. Received: {len(strangers)} others: {names}; left out"
    return (Issue(WARNING, strangers[0], problem),)


def _visible(names: list[str]) -> list[str]:
    return sorted(name for name in names if not name.startswith("."))


def _is_utf8(name: str) -> bool:
    """Whether Python could read a name as UTF-8: what it could not it keeps as lone surrogates."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def _leads_nowhere(path: Path) -> bool:
    return os.path.islink(path) and not os.path.exists(path)


def _name_issue(path: Path) -> Issue:
    problem = f"expected a name in UTF-8. Received: {_printable(path.name)}. Rename it."
    return _issue(path, problem)


def _issue(path: Path, problem: str) -> Issue:
    shown = Path(_printable(str(path)))
    code = shown.name
    for suffix in reversed(VOLUME_SUFFIXES):
        code = code.removesuffix(suffix)
    return Issue(ERROR, shown, problem, code)


def _printable(name: str) -> str:
    """A name in which a byte that is not UTF-8 is written as its number."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
