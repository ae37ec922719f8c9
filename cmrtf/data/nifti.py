"""The one module that reads and writes NIfTI files.

Arrays come and go in nibabel's own axis order `(x, y, z[, t])`. Only voxel values, the affine and
the time step cross this border: descriptions, extensions and names in a source header may identify
a patient and are never carried over. Whatever is written is synthetic, and its header says so.
"""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from cmrtf.errors import CmrtfError
from cmrtf.folders import new_file

DESCRIPTION = "synthetic, cmrtf"
"""Field `descrip` of every header that is written."""


@dataclass(frozen=True)
class NiftiVolume:
    """Voxel values with their place in the scanner.

    Args:
        data: `(x, y, z)` or `(x, y, z, t)`, scaled values.
        affine: `(4, 4)`, voxel index to scanner millimetres (RAS+).
    """

    data: NDArray[Any]
    affine: NDArray[np.float64]

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel size along x, y, z: the column lengths of the affine, shear or not."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(x), float(y), float(z)


def read_nifti(path: Path) -> NiftiVolume:
    """Read a 3D or 4D volume.

    Raises:
        CmrtfError: the file is missing, is no NIfTI, is cut short, or is not 3D or 4D.
    """
    if not path.is_file():
        raise CmrtfError(f"{path}: expected a NIfTI file, but there is none.")
    try:
        image = nib.load(path)
        data = np.asanyarray(image.dataobj)
        affine = np.asarray(image.affine, dtype=np.float64)
    except (
        ImageFileError,
        gzip.BadGzipFile,
        EOFError,
        OSError,
        ValueError,
        zlib.error,
    ) as error:
        raise CmrtfError(
            f"{path}: expected a readable NIfTI-1 or NIfTI-2 volume, but nibabel says: {error}"
        ) from error
    if data.ndim not in (3, 4) or 0 in data.shape:
        raise CmrtfError(f"{path}: expected a 3D or 4D volume. Received: shape={data.shape}.")
    return NiftiVolume(data, affine)


def write_nifti(
    path: Path, data: NDArray[Any], affine: NDArray[np.float64], time_step_s: float = 0.0
) -> None:
    """Write `(x, y, z[, t])` voxel values under a final name only once they are complete.

    Args:
        path: ends in `.nii` or `.nii.gz`; its folder must exist.
        data: values; the dtype is kept.
        affine: `(4, 4)`, voxel index to scanner millimetres.
        time_step_s: step of the fourth axis in seconds, for 4D data.
    """
    image = nib.Nifti1Image(data, affine)
    image.header.set_xyzt_units("mm", "sec")
    image.header["descrip"] = DESCRIPTION
    image.set_sform(affine, code="scanner")
    image.set_qform(affine, code="scanner", strip_shears=True)
    if data.ndim == 4:
        image.header.set_zooms((*image.header.get_zooms()[:3], time_step_s))
    with new_file(path) as partial:
        nib.save(image, partial)
