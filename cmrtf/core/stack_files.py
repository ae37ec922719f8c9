"""Synthetic stacks as NIfTI files."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.nifti import read_nifti, write_nifti
from cmrtf.core.preparation import restore_intensity, to_nifti_order
from cmrtf.core.synthetic_subject import LabelledStack, SyntheticSubject


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


def stack_of_file(
    name: str,
    phase: str,
    image: NDArray[Any],
    labels: NDArray[Any],
    affine: NDArray[np.float64],
    intensity_window: tuple[float, float],
) -> LabelledStack:
    """The way back of `image_on_file` and `labels_on_file`."""
    low, high = intensity_window
    scaled = 2.0 * (to_nifti_order(image) - low) / (high - low) - 1.0
    return LabelledStack(name, phase, 0.0, to_nifti_order(labels), scaled, affine)


def read_volumes(
    name: str, phase: str, image: Path, labels: Path, intensity_window: tuple[float, float]
) -> LabelledStack:
    """Read what `write_volumes` wrote."""
    volume = read_nifti(image)
    return stack_of_file(name, phase, volume.data, read_nifti(labels).data, volume.affine, intensity_window)
