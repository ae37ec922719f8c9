"""An image for a label map of one's own."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.geometry import Geometry
from cmrtf.core.issues import raise_errors
from cmrtf.core.labels import SCHEMA
from cmrtf.core.nifti import NiftiVolume, read_nifti
from cmrtf.core.preparation import (
    SIZE,
    SPACING_MM,
    crop_geometry,
    place_on_source,
    prepare_labels,
    restore_intensity,
)
from cmrtf.errors import CmrtfError
from cmrtf.quality.file_checks import axes_issues, heart_issues
from cmrtf.shape.orientation import apical_taper
from cmrtf.synthesis.appearance import Appearance
from cmrtf.synthesis.protocols import Models


@dataclass(frozen=True)
class LabelStack:
    """A label file, prepared.

    Args:
        label_ids: `(slices, size, size)`, apex first.
        geometry: where it lies in its file.
    """

    label_ids: NDArray[np.uint8]
    geometry: Geometry


def read_labels(path: Path) -> LabelStack:
    """Read and prepare a 3D label file in `SCHEMA`'s order.

    A file that is on the prepared grid already, like the labels that cmrtf writes, is taken as it is.

    Raises:
        CmrtfError: the file is no 3D label map of a heart.
    """
    volume = read_nifti(path)
    if volume.data.ndim != 3:
        raise CmrtfError(f"{path}: expected a 3D label map (one phase). Received: shape={volume.data.shape}.")
    raise_errors(axes_issues(path, volume.affine))
    SCHEMA.validate(volume.data, str(path))
    label_ids = volume.data.astype(np.uint8)
    raise_errors(heart_issues(path, label_ids))
    geometry = _geometry(volume, label_ids)
    return LabelStack(prepare_labels(label_ids, geometry), geometry)


def _geometry(volume: NiftiVolume, label_ids: NDArray[np.uint8]) -> Geometry:
    flipped = apical_taper([label_ids]) < 0
    around_heart = crop_geometry(label_ids > 0, volume.affine, flipped)
    on_grid = label_ids.shape[:2] == (SIZE, SIZE) and np.allclose(
        volume.spacing_mm[:2], SPACING_MM, atol=1e-3
    )
    if not on_grid:
        return around_heart
    as_it_is = around_heart.to_source.copy()
    as_it_is[:2] = np.eye(4)[:2]
    return Geometry(around_heart.source_shape, volume.affine, around_heart.shape, as_it_is)


def synthesize_on_source(models: Models, labels: LabelStack, appearance: Appearance) -> NDArray[np.float32]:
    """An image on the voxels of the label file, in the units of the appearance's source.

    The models paint 128 x 128 pixels of 1.5 mm around the heart; beyond, the image is dark.

    Returns:
        `(x, y, z)` float32.
    """
    image = appearance.paint(models, labels.label_ids)
    return restore_intensity(place_on_source(image, labels.geometry), appearance.intensity_window)
