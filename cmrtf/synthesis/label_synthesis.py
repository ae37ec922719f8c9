"""An image for a label map of one's own."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmrtf.data.findings import raise_errors
from cmrtf.data.geometry import VolumeGeometry
from cmrtf.data.nifti import NiftiVolume, read_nifti
from cmrtf.data.preparation import (
    SIZE,
    SPACING_MM,
    crop_geometry,
    place_on_source,
    prepare_image,
    prepare_labels,
    restore_intensity,
)
from cmrtf.data.schema import SCHEMA
from cmrtf.data.stack_order import apical_taper
from cmrtf.data.validation import (
    axes_findings,
    finite_findings,
    heart_findings,
    image_findings,
    slices_findings,
)
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.interpolation import Models
from cmrtf.synthesis.walks import codes_at


@dataclass(frozen=True)
class LabelStack:
    """A label file, prepared.

    Args:
        label_ids: `(slices, size, size)`, apex first.
        geometry: where it lies in its file.
    """

    label_ids: NDArray[np.uint8]
    geometry: VolumeGeometry


@dataclass(frozen=True)
class Appearance:
    """How the images of a stack shall look.

    Args:
        styles: `(slices, style_dim)`, one code per slice.
        intensity_window: source values of -1 and 1.
    """

    styles: NDArray[np.float32]
    intensity_window: tuple[float, float]


def read_labels(path: Path) -> LabelStack:
    """Read and prepare a 3D label file in `SCHEMA`'s order.

    A file that is on the prepared grid already, like the labels that cmrtf writes, is taken as it is.

    Raises:
        CmrtfError: the file is no 3D label map of a heart.
    """
    volume = read_nifti(path)
    if volume.data.ndim != 3:
        raise CmrtfError(f"{path}: expected a 3D label map (one phase). Received: shape={volume.data.shape}.")
    raise_errors(axes_findings(path, volume.affine))
    SCHEMA.validate(volume.data, str(path))
    label_ids = volume.data.astype(np.uint8)
    raise_errors(heart_findings(path, label_ids))
    geometry = _geometry(volume, label_ids)
    return LabelStack(prepare_labels(label_ids, geometry), geometry)


def _geometry(volume: NiftiVolume, label_ids: NDArray[np.uint8]) -> VolumeGeometry:
    flipped = apical_taper([label_ids]) < 0
    around_heart = crop_geometry(label_ids > 0, volume.affine, flipped)
    on_grid = label_ids.shape[:2] == (SIZE, SIZE) and np.allclose(
        volume.spacing_mm[:2], SPACING_MM, atol=1e-3
    )
    if not on_grid:
        return around_heart
    as_it_is = around_heart.prepared_to_source.copy()
    as_it_is[:2] = np.eye(4)[:2]
    return VolumeGeometry(around_heart.source_shape, volume.affine, around_heart.prepared_shape, as_it_is)


def constant_appearance(
    style: NDArray[np.float32], intensity_window: tuple[float, float], num_slices: int
) -> Appearance:
    """One style code for all slices."""
    return Appearance(np.repeat(style[None], num_slices, axis=0), intensity_window)


def appearance_of_file(models: Models, path: Path, labels: LabelStack) -> Appearance:
    """The appearance of a 3D image file, slice by slice from apex to base.

    An image on the grid of the labels is cut out as they are; any other about its middle, and it is
    taken to run from apex to base in the same direction as the labels. Another number of slices is
    interpolated.

    Raises:
        CmrtfError: the file is no 3D image.
    """
    volume = read_nifti(path)
    if volume.data.ndim != 3:
        raise CmrtfError(f"{path}: expected a 3D image (one phase). Received: shape={volume.data.shape}.")
    everywhere = np.ones(volume.data.shape, np.bool_)
    raise_errors(axes_findings(path, volume.affine))
    raise_errors(slices_findings(path, volume.data.shape[2]))
    raise_errors(finite_findings(path, volume.data, everywhere))
    raise_errors(image_findings(path, volume.data))
    geometry = labels.geometry
    if volume.data.shape != geometry.source_shape:
        middle = np.zeros(volume.data.shape, dtype=bool)
        middle[tuple(size // 2 for size in volume.data.shape)] = True
        geometry = crop_geometry(middle, volume.affine, bool(geometry.prepared_to_source[2, 2] < 0))
    image, window = prepare_image(volume.data.astype(np.float32), geometry, path)
    positions = np.linspace(0.0, 1.0, len(labels.label_ids))
    return Appearance(codes_at(models.encode_style(image), positions), window)


def synthesize_on_source(models: Models, labels: LabelStack, appearance: Appearance) -> NDArray[np.float32]:
    """An image on the voxels of the label file, in the units of the appearance's source.

    The models paint 128 x 128 pixels of 1.5 mm around the heart; beyond, the image is dark.

    Returns:
        `(x, y, z)` float32.
    """
    image = models.synthesize(labels.label_ids, appearance.styles)
    return restore_intensity(place_on_source(image, labels.geometry), appearance.intensity_window)
