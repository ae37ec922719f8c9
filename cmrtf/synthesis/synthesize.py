"""An image for a label map of one's own."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.geometry import Geometry, spacing_mm
from cmrtf.core.issues import raise_errors
from cmrtf.core.labels import SCHEMA
from cmrtf.core.nifti import NiftiVolume, read_nifti
from cmrtf.core.preparation import SIZE, SPACING_MM, crop_geometry, prepare_labels, to_nifti_order
from cmrtf.core.stack import Stack
from cmrtf.errors import CmrtfError
from cmrtf.quality.header_checks import header_issues
from cmrtf.quality.heart_checks import label_order_problems
from cmrtf.quality.label_checks import read_label_ids
from cmrtf.shape.orientation import OrderEvidence
from cmrtf.synthesis.appearance import Appearance
from cmrtf.synthesis.protocols import Models


def read_labels(path: Path) -> Stack:
    """Read and prepare a 3D label file in `SCHEMA`'s order, for an image to be synthesised.

    A file that is on the prepared grid already, like the labels that cmrtf writes, is taken as it is.

    Returns:
        a stack whose image is dark everywhere.

    Raises:
        CmrtfError: the file is no 3D label map of a heart, or its labels are in another order.
    """
    volume = read_nifti(path)
    if volume.data.ndim != 3:
        raise CmrtfError(f"{path}: expected a 3D label map (one phase). Received: shape={volume.data.shape}.")
    raise_errors(header_issues(path, volume))
    values = {label_id: label_id for label_id in range(SCHEMA.num_classes)}
    label_ids, issues = read_label_ids(path, volume.data, values, spacing_mm(volume.affine))
    raise_errors(issues)
    if problems := label_order_problems(to_nifti_order(label_ids), values):
        raise CmrtfError(f"{path}: {problems[0]}")
    geometry = _geometry(volume, label_ids)
    prepared = prepare_labels(label_ids, geometry)
    return Stack(np.full(prepared.shape, -1.0, np.float32), prepared, geometry)


def synthesize_stack(models: Models, labels: Stack, appearance: Appearance) -> Stack:
    """The same stack with an image of its labels.

    Args:
        models: a bundle's.
        labels: prepared.
        appearance: of the image.

    Raises:
        CmrtfError: the labels are not those of `SCHEMA`.
    """
    SCHEMA.validate(labels.label_ids, "label_ids of the stack")
    return labels.with_image(appearance.synthesize(models, labels.label_ids), appearance.intensity_window)


def _geometry(volume: NiftiVolume, label_ids: NDArray[np.uint8]) -> Geometry:
    base_first = OrderEvidence.of([label_ids], volume.affine).is_base_first()
    around_heart = crop_geometry(label_ids > 0, volume.affine, base_first)
    on_grid = label_ids.shape[:2] == (SIZE, SIZE) and np.allclose(
        spacing_mm(volume.affine)[:2], SPACING_MM, atol=1e-3
    )
    if not on_grid:
        return around_heart
    unchanged = around_heart.to_source.copy()
    unchanged[:2] = np.eye(4)[:2]
    return Geometry(around_heart.source_shape, volume.affine, around_heart.shape, unchanged)
