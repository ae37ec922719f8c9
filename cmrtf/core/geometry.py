"""Where a stack of slices lies: in the scanner, and in the file that it was cut out of.

A stack is indexed `(x, y, z)` like its NIfTI source. A prepared one has x and y of 1.5 mm and z apex
first: all steps of preparation (in-plane resampling, crop, reversal) are one axis-aligned affine map
of voxel indices, so the way back is its inverse and nothing is lost.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from nibabel.affines import voxel_sizes
from numpy.typing import NDArray


@dataclass(frozen=True)
class Geometry:
    """Geometry of a stack of slices.

    Args:
        source_shape: `(x, y, z)` voxels of the source volume.
        source_affine: `(4, 4)`, source voxel index to scanner millimetres (RAS+).
        shape: `(x, y, z)` voxels of the stack.
        to_source: `(4, 4)`, voxel index of the stack to voxel index of the source.
    """

    source_shape: tuple[int, int, int]
    source_affine: NDArray[np.float64]
    shape: tuple[int, int, int]
    to_source: NDArray[np.float64]

    @classmethod
    def of(cls, affine: NDArray[np.float64], shape: tuple[int, ...]) -> "Geometry":
        """A stack that is its own source.

        Args:
            affine: `(4, 4)`, voxel index to scanner millimetres (RAS+).
            shape: `(x, y, z)` voxels.
        """
        x, y, z = shape
        return cls((x, y, z), affine, (x, y, z), np.eye(4))

    @property
    def affine(self) -> NDArray[np.float64]:
        """`(4, 4)`, voxel index of the stack to scanner millimetres (RAS+)."""
        if np.array_equal(self.to_source, np.eye(4)):  # a product would lose the sign of zeros
            return self.source_affine
        return self.source_affine @ self.to_source

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel size along x, y and z (z is the distance between slice centres)."""
        return spacing_mm(self.affine)

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of one voxel (the determinant, so shear counts)."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    def with_slices(self, num_slices: int) -> "Geometry":
        """The same physical extent, first to last slice centre, in `num_slices` slices.

        The new slice spacing is `(n - 1) * dz / (num_slices - 1)` for n slices of spacing dz.
        """
        x, y, n = self.shape
        rescale = np.diag([1.0, 1.0, (n - 1) / (num_slices - 1), 1.0])
        return Geometry(self.source_shape, self.source_affine, (x, y, num_slices), self.to_source @ rescale)

    def to_dict(self) -> dict[str, Any]:
        """Plain form for JSON, by the names of the cohort's manifest."""
        return {
            "source_shape": list(self.source_shape),
            "source_affine": self.source_affine.tolist(),
            "prepared_shape": list(self.shape),
            "prepared_to_source": self.to_source.tolist(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Geometry":
        """Inverse of `to_dict`."""
        return cls(
            source_shape=tuple(values["source_shape"]),
            source_affine=np.asarray(values["source_affine"], dtype=np.float64),
            shape=tuple(values["prepared_shape"]),
            to_source=np.asarray(values["prepared_to_source"], dtype=np.float64),
        )


def spacing_mm(affine: NDArray[np.float64]) -> tuple[float, float, float]:
    """Voxel size along x, y and z: the column lengths of the affine, shear or not."""
    x, y, z = voxel_sizes(affine)
    return float(x), float(y), float(z)


def largest_shift_mm(
    shape: tuple[int, ...], affine: NDArray[np.float64], other: NDArray[np.float64]
) -> float:
    """How far apart two affines put the corners of one volume, at most.

    Args:
        shape: `(x, y, z)` voxels, or more axes.
        affine: `(4, 4)`, voxel index to scanner millimetres.
        other: the same.
    """
    corners = np.array([[x, y, z, 1] for x in (0, shape[0]) for y in (0, shape[1]) for z in (0, shape[2])])
    return float(np.linalg.norm((corners @ (other - affine).T)[:, :3], axis=1).max())


def bounding_box(mask: NDArray[np.bool_]) -> tuple[slice, ...]:
    """The smallest box that holds all of a mask, which is not empty: one slice per axis."""
    axes = range(mask.ndim)
    filled = (np.flatnonzero(mask.any(axis=tuple(set(axes) - {axis}))) for axis in axes)
    return tuple(slice(int(at[0]), int(at[-1]) + 1) for at in filled)
