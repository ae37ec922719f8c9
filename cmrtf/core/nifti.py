"""The one module that reads and writes NIfTI files.

Arrays come and go in nibabel's own axis order `(x, y, z[, t])`. Only voxel values, the affine and
the time step cross this border: descriptions, extensions and names in a source header may identify
a patient and are never carried over. Whatever is synthetic has a header that says so.

A header is not believed: what it claims is held against the size of the file before anything is
allocated. What follows the voxels is counted and thrown away: a header that claims less than there is would
cut slices off, or take the bytes of some voxels for those of others.
"""

import gzip
import math
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from cmrtf.core.files import is_file, new_file
from cmrtf.core.geometry import spacing_mm
from cmrtf.errors import CmrtfError, FileError

DESCRIPTION = "synthetic, cmrtf"
"""Field `descrip` of the headers of synthetic images."""

HEADERS = {348: nib.Nifti1Header, 540: nib.Nifti2Header}
"""Bytes of a header, which its first number gives, to its class."""

SPACE_UNITS = {1: "metre", 2: "millimetre", 3: "micrometre"}
"""Lower three bits of a header's `xyzt_units`."""

MAX_FRAME_VOXELS = 2**24
"""512 x 512 pixels and 64 slices: checks and resampling take tens of bytes for each."""

MAX_VOLUME_BYTES = 2**30
"""In memory: a cine of 512 x 512 pixels, 40 slices and 50 frames as integers."""

MIN_OFFSETS = {348: 352, 540: 544}
"""Bytes of a header to the first byte that voxels can have: four bytes say whether extensions follow."""

MAX_OFFSET = 2**24
"""Bytes of extensions before the voxels."""

PADDING_BYTES = 512
"""What may follow the voxels: a block of a disk or a tape. The smallest slice of 50 ACDC patients has 34,496
voxels."""

READ_AT_ONCE = 2**16

MAX_DEFLATION = 1032
"""What deflate can make of one byte (RFC 1951: 258 bytes from two bits)."""

QUATERNION_TOLERANCE = 1e-3
"""How much longer than 1 the stored part of a rotation's quaternion may be by rounding."""

GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class NiftiVolume:
    """Voxel values with their place in the scanner.

    Args:
        data: `(x, y, z)` or `(x, y, z, t)`, scaled values.
        affine: `(4, 4)`, voxel index to scanner millimetres (RAS+): the sform, or else the qform, or else
            the spacing alone.
        qform: `(4, 4)`, what the header says a second time where it has a sform too; None otherwise.
        pixdim_mm: `(x, y, z)`, the spacing that the header says beside its affine.
        space_unit: `"metre"`, `"millimetre"`, `"micrometre"` or `"unknown"`, as the header says.
        is_gzip: whether the file is compressed, whatever its name.
        unknown: of labels, `(z, t, classes)`, where the source does not say whether a slice shows a
            structure; None where it always does.
    """

    data: NDArray[Any]
    affine: NDArray[np.float64]
    qform: NDArray[np.float64] | None
    pixdim_mm: tuple[float, float, float]
    space_unit: str
    is_gzip: bool
    unknown: NDArray[np.bool_] | None = None

    @classmethod
    def of(
        cls, data: NDArray[Any], affine: NDArray[np.float64], unknown: NDArray[np.bool_] | None = None
    ) -> "NiftiVolume":
        """A volume of another kind of file."""
        return cls(data, affine, None, spacing_mm(affine), "millimetre", False, unknown)


def read_nifti(path: Path) -> NiftiVolume:
    """Read a 3D or 4D volume, compressed or not, whatever its name.

    Raises:
        CmrtfError: the file is missing, is no NIfTI, is cut short, claims more than it can hold or less than
            it holds, or is not 3D or 4D.
    """
    if not is_file(path):
        received = "what is not a file" if os.path.lexists(path) else "none"
        raise FileError(path, f"expected a NIfTI file. Received: {received}.")
    try:
        with path.open("rb") as file:
            is_gzip = file.read(2) == GZIP_MAGIC
            file.seek(0)
            if not is_gzip:
                return _read(path, file, is_gzip)
            with gzip.GzipFile(fileobj=file) as stream:
                return _read(path, stream, is_gzip)
    # OverflowError, KeyError: numbers in a header that no table of nibabel's has.
    except (HeaderDataError, EOFError, OSError, ValueError, OverflowError, KeyError, zlib.error) as error:
        problem = "expected a readable NIfTI-1 or NIfTI-2 volume"
        raise FileError(path, f"{problem}. Received: {type(error).__name__}: {error}.") from error
    except MemoryError as error:
        raise FileError(
            path, "expected a volume that fits into memory. Received: one that does not."
        ) from error


def write_nifti(
    path: Path,
    data: NDArray[Any],
    affine: NDArray[np.float64],
    time_step_s: float = 0.0,
    description: str = DESCRIPTION,
) -> None:
    """Write `(x, y, z[, t])` voxel values under a final name only once they are complete.

    Args:
        path: ends in `.nii` or `.nii.gz`; its folder must exist.
        data: values; the dtype is kept.
        affine: `(4, 4)`, voxel index to scanner millimetres.
        time_step_s: step of the fourth axis in seconds, for 4D data.
        description: what the header says of the image.

    Raises:
        CmrtfError: the name ends in something else.
    """
    require_nifti_name(path)
    image = nib.Nifti1Image(data, affine)
    image.header.set_xyzt_units("mm", "sec")
    image.header["descrip"] = description
    image.set_sform(affine, code="scanner")
    image.set_qform(affine, code="scanner", strip_shears=True)
    if data.ndim == 4:
        image.header.set_zooms((*image.header.get_zooms()[:3], time_step_s))
    with new_file(path) as partial:
        nib.save(image, partial)


def require_nifti_name(path: Path) -> None:
    """Check that a file of this name would be read as NIfTI: worth asking before a long computation.

    Raises:
        CmrtfError: the name ends in something else.
    """
    if not path.name.endswith((".nii", ".nii.gz")):
        raise CmrtfError(f"{path}: expected a name that ends in .nii or .nii.gz.")


def _read(path: Path, stream: IO[bytes] | gzip.GzipFile, is_gzip: bool) -> NiftiVolume:
    """The volume of an open file, once its header is known to be possible."""
    header = _read_header(stream)
    shape = header.get_data_shape()
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) not in (3, 4) or min(shape) < 1:
        raise FileError(path, f"expected a 3D or 4D volume. Received: shape={shape}.")
    _require_room(path, header, is_gzip)
    claimed_bytes = _claimed_bytes(header)
    if not is_gzip:
        _require_no_more(path, claimed_bytes, path.stat().st_size)
    data = header.data_from_fileobj(stream).reshape(shape, order="F")
    if is_gzip:  # at the end of a stream its checksum is compared
        _require_no_more(path, claimed_bytes, claimed_bytes + _rest_bytes(stream))
    unit = SPACE_UNITS.get(int(header["xyzt_units"]) & 7, "unknown")
    affine = np.asarray(header.get_best_affine(), dtype=np.float64)
    x, y, z = (float(size) for size in header["pixdim"][1:4])
    return NiftiVolume(data, affine, _second_affine(header), (x, y, z), unit, is_gzip)


def _second_affine(header: Any) -> NDArray[np.float64] | None:
    """The qform of a header with a sform, which comes first; None where it has one at most."""
    if not (header["sform_code"] and header["qform_code"]):
        return None
    try:
        return np.asarray(header.get_qform(), dtype=np.float64)
    except (HeaderDataError, ValueError):  # no rotation, or a negative spacing: it says nothing
        return None


def _read_header(stream: IO[bytes] | gzip.GzipFile) -> Any:
    """A header as it is; nibabel's own repairs would turn a spacing of 0 into 1 mm."""
    start = stream.read(4)
    sizes = {size for order in "<>" if len(start) == 4 for size in struct.unpack(f"{order}i", start)}
    (size,) = sizes & set(HEADERS) or {0}
    if not size:
        raise ValueError("a file that does not begin like one")
    block = start + stream.read(size - 4)
    if len(block) < size:
        raise EOFError("a file that ends within its header")
    header = HEADERS[size](block, check=False)
    if not header["magic"].item().startswith((b"n+1", b"n+2")):
        raise ValueError("a header without the letters n+1 or n+2")
    if header["pixdim"][0] != -1:
        header["pixdim"][0] = 1  # as the standard says of any other value
    _normalise_quaternion(header)
    return header


def _normalise_quaternion(header: Any) -> None:
    """Scale a quaternion that rounding has made longer than 1 back to 1; nibabel refuses it otherwise."""
    names = ("quatern_b", "quatern_c", "quatern_d")
    length = float(np.linalg.norm([float(header[name]) for name in names]))
    if 1.0 < length <= 1.0 + QUATERNION_TOLERANCE:
        for name in names:
            header[name] = header[name] / length


def _require_room(path: Path, header: Any, is_gzip: bool) -> None:
    """Hold the claims of a header against the file."""
    dtype, offset = header.get_data_dtype(), header.get_data_offset()
    if dtype.kind not in "iuf":
        raise FileError(path, f"expected real numbers. Received: voxels of type {dtype}.")
    shape = [int(size) for size in header.get_data_shape()]
    frame_voxels = math.prod(shape[:3])
    voxels = frame_voxels * math.prod(shape[3:])
    claimed_bytes, file_bytes = _claimed_bytes(header), path.stat().st_size
    memory_bytes = voxels * (dtype.itemsize if _is_plain(header) else max(dtype.itemsize, 8))
    first = MIN_OFFSETS[header.sizeof_hdr]
    if not first <= offset <= MAX_OFFSET:
        problem = f"expected a vox_offset from {first} to {MAX_OFFSET:,}. Received: {offset:,}."
        raise FileError(path, problem)
    if frame_voxels > MAX_FRAME_VOXELS or memory_bytes > MAX_VOLUME_BYTES:
        raise FileError(
            path,
            f"expected {MAX_FRAME_VOXELS:,} voxels in a frame, and {MAX_VOLUME_BYTES:,} bytes in all frames, "
            f"at most. Received: a header that claims {frame_voxels:,}, and {memory_bytes:,} bytes.",
        )
    if claimed_bytes > file_bytes * (MAX_DEFLATION if is_gzip else 1):
        raise FileError(
            path,
            f"expected a readable NIfTI-1 or NIfTI-2 volume of {claimed_bytes:,} bytes, as its header says. "
            f"Received: a file of {file_bytes:,} bytes that is cut short, or whose header is wrong.",
        )


def _require_no_more(path: Path, claimed_bytes: int, received_bytes: int) -> None:
    """Check that little follows the voxels: otherwise a header has fewer or smaller voxels than the file."""
    if received_bytes > claimed_bytes + PADDING_BYTES:
        raise FileError(
            path,
            f"expected a volume of {claimed_bytes:,} bytes, as its header says. Received: "
            f"{received_bytes:,} bytes, as if the header had fewer voxels, or smaller ones, than the file.",
        )


def _claimed_bytes(header: Any) -> int:
    """Of the file up to the last voxel, unpacked, as its header says."""
    voxels = math.prod(int(size) for size in header.get_data_shape())
    return int(header.get_data_offset()) + voxels * int(header.get_data_dtype().itemsize)


def _rest_bytes(stream: IO[bytes] | gzip.GzipFile) -> int:
    """How much of a stream is left, counted up to the size of the largest volume."""
    rest = 0
    while rest <= MAX_VOLUME_BYTES and (block := stream.read(READ_AT_ONCE)):
        rest += len(block)
    return rest


def _is_plain(header: Any) -> bool:
    """Whether voxels are values as they are; scaled, they become float64."""
    slope, intercept = header.get_slope_inter()
    return slope in (None, 1.0) and intercept in (None, 0.0)
