"""Checks a label file that comes without an image as the labels of a data set are checked."""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cmrtf.core.issues import listed, raise_errors
from cmrtf.core.nifti import read_nifti
from cmrtf.datasets.base import PhaseFiles, RawSubject
from cmrtf.datasets.raw_files import VOLUME_SUFFIXES, list_files
from cmrtf.errors import CmrtfError
from cmrtf.quality.checked_subject import CheckedSubject
from cmrtf.quality.checks import check_subject

logger = logging.getLogger(__name__)


def check_label_file(path: Path, label_to_schema: Mapping[int, int]) -> CheckedSubject:
    """Read and check a 3D label file, or the labelled frames of a 4D one.

    Args:
        path: NIfTI.
        label_to_schema: label value in the file to label id.

    Returns:
        a subject without a name whose images are its labels. Which phases a file shows is not known: the
        stack of a 3D file is called `""`, those of a 4D one `"frame07"` (counted from 0).

    Raises:
        FileError: the file cannot be read.
    """
    volume = read_nifti(path)
    if volume.data.ndim == 3:
        phases = {"": PhaseFiles(path, path, None, is_cine=False)}
    else:
        labelled = np.flatnonzero(volume.data.any(axis=(0, 1, 2))).tolist()
        phases = {
            f"frame{frame:02d}": PhaseFiles(path, path, frame, is_cine=True) for frame in labelled or [0]
        }
    return check_subject(RawSubject("", "", "", phases, label_to_schema))


def label_files(path: Path) -> list[Path]:
    """A file itself, or all NIfTI files under a folder, in order; others are named in a warning.

    Raises:
        CmrtfError: a folder holds none, or not all of it can be read.
    """
    if not path.is_dir():
        return [path]
    listing = list_files(path)
    raise_errors(listing.issues)
    files = [file for file in listing.files if file.name.lower().endswith(VOLUME_SUFFIXES)]
    if not files:
        raise CmrtfError(f"{path}: expected label files, *.nii.gz or *.nii. Received: a folder without any.")
    if others := sorted(str(file.relative_to(path)) for file in set(listing.files) - set(files)):
        logger.warning("%s: expected label files, *.nii.gz or *.nii. Left out: %s.", path, listed(others))
    return files
