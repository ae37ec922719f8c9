"""Images without labels below a folder: NIfTI files and DICOM series."""

import re
from dataclasses import dataclass
from pathlib import Path

from cmrtf.core.dicom import is_dicom
from cmrtf.datasets.raw_files import VOLUME_SUFFIXES, list_files
from cmrtf.errors import CmrtfError

LABEL_NAME = re.compile(r".*(_gt|_seg|_label|_mask)(_.*)?", re.IGNORECASE | re.DOTALL)
"""Stems of files that hold labels, or should: M&Ms' unlabelled subjects have empty ones."""

IMAGE_SUFFIX = re.compile(r"(_sa|_SA|_0000)$")
"""Ends the stem of an image in the layouts of M&Ms, M&Ms-2 and nnU-Net, and is no part of the code."""


@dataclass(frozen=True)
class UnlabelledImage:
    """An image or a cine whose hearts nobody has outlined.

    Args:
        code: of its subject.
        path: NIfTI file, or folder of a DICOM series.
    """

    code: str
    path: Path


def find_images(root: Path) -> list[UnlabelledImage]:
    """All NIfTI images and DICOM series below a folder, in order of their codes.

    A file's code is its name without suffixes, a series' code that of its folder.

    Raises:
        CmrtfError: there are none, two have one code, or a folder cannot be read.
    """
    listing = list_files(root)
    if listing.issues:
        raise CmrtfError(str(listing.issues[0]))
    volumes = [path for path in listing.files if path.name.lower().endswith(VOLUME_SUFFIXES)]
    images = [UnlabelledImage(_code(path), path) for path in volumes if not LABEL_NAME.fullmatch(_stem(path))]
    series = {path.parent for path in listing.files if path not in volumes and is_dicom(path)}
    images += [UnlabelledImage(folder.name, folder) for folder in series]
    if not images:
        raise CmrtfError(f"{root}: expected NIfTI images or DICOM series below it. Received: none.")
    by_code: dict[str, Path] = {}
    for image in images:
        if (other := by_code.setdefault(image.code, image.path)) != image.path:
            raise CmrtfError(
                f"{image.path}: expected an image whose code no other has. Received: {image.code}, as "
                f"{other}. Rename one."
            )
    return sorted(images, key=lambda image: image.code)


def _stem(path: Path) -> str:
    return re.sub(r"\.nii(\.gz)?$", "", path.name, flags=re.IGNORECASE)


def _code(path: Path) -> str:
    return IMAGE_SUFFIX.sub("", _stem(path))
