"""Images without labels: read and checked as images of labelled subjects are."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.dicom_series import read_volume
from cmrtf.core.issues import raise_errors
from cmrtf.core.nifti import NiftiVolume
from cmrtf.quality.header_checks import header_issues, slices_issues
from cmrtf.quality.voxel_checks import finite_issues, image_issues


def read_image(path: Path) -> NiftiVolume:
    """Read an image or a cine, and check its header and all frames.

    Args:
        path: NIfTI file, or a DICOM series, a folder or a multi-frame file.

    Raises:
        CmrtfError: it is no image of a stack of slices.
    """
    volume = read_volume(path)
    raise_errors(header_issues(path, volume))
    raise_errors(slices_issues(path, volume.data.shape[2]))
    for frame in frames_of(volume):
        raise_errors(finite_issues(path, frame, np.ones(frame.shape, np.bool_)))
        raise_errors(image_issues(path, frame))
    return volume


def frames_of(volume: NiftiVolume) -> list[NDArray[Any]]:
    """`(x, y, z)` of every frame; of an image that is no cine, its one."""
    data = volume.data
    return [data] if data.ndim == 3 else [data[..., frame] for frame in range(data.shape[3])]
