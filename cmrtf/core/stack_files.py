"""A stack as two NIfTI files, image and labels, and back."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.geometry import Geometry
from cmrtf.core.nifti import read_nifti, write_nifti
from cmrtf.core.preparation import restore_intensity, to_nifti_order
from cmrtf.core.stack import Stack


def image_on_file(stack: Stack) -> NDArray[np.float32]:
    """The image as it is written: `(x, y, z)` in the units of the source."""
    return to_nifti_order(restore_intensity(stack.image, stack.intensity_window))


def labels_on_file(stack: Stack) -> NDArray[np.uint8]:
    """The labels as they are written: `(x, y, z)` uint8."""
    return to_nifti_order(stack.label_ids)


def write_stack(stack: Stack, image: Path, labels: Path) -> None:
    """Write a stack as two 3D files, whose folders exist."""
    write_nifti(image, image_on_file(stack), stack.affine)
    write_nifti(labels, labels_on_file(stack), stack.affine)


def stack_of_files(
    image: NDArray[Any],
    labels: NDArray[Any],
    affine: NDArray[np.float64],
    intensity_window: tuple[float, float],
) -> Stack:
    """The way back of `image_on_file` and `labels_on_file`."""
    low, high = intensity_window
    scaled = 2.0 * (to_nifti_order(image) - low) / (high - low) - 1.0
    return Stack(scaled, to_nifti_order(labels), Geometry.of(affine, image.shape), intensity_window)


def read_stack(image: Path, labels: Path, intensity_window: tuple[float, float]) -> Stack:
    """Read what `write_stack` wrote."""
    volume = read_nifti(image)
    return stack_of_files(volume.data, read_nifti(labels).data, volume.affine, intensity_window)
