"""Synthetic stacks as NIfTI files."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.data.nifti import write_nifti
from cmrtf.data.preparation import restore_intensity, to_nifti_order
from cmrtf.synthesis.synthetic_subject import SyntheticSubject


def image_on_file(subject: SyntheticSubject) -> NDArray[np.float32]:
    """The image as it is written: `(x, y, z)` in the units of the source."""
    return to_nifti_order(restore_intensity(subject.image, subject.intensity_window))


def labels_on_file(subject: SyntheticSubject) -> NDArray[Any]:
    """The labels as they are written: `(x, y, z)` uint8."""
    return to_nifti_order(subject.label_ids.astype(np.uint8))


def write_volumes(subject: SyntheticSubject, image: Path, labels: Path) -> None:
    """Write one phase as two 3D files, whose folders exist."""
    write_nifti(image, image_on_file(subject), subject.affine)
    write_nifti(labels, labels_on_file(subject), subject.affine)
