"""Where a prepared stack lies in its source file and in the scanner.

A prepared stack is indexed `(x, y, z)` like its NIfTI source: x and y of 1.5 mm, z apex first. All
steps of preparation (in-plane resampling, crop, stack reversal) are one axis-aligned affine map of
voxel indices, so the way back is its inverse and nothing is lost.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class VolumeGeometry:
    """Geometry of a prepared stack of slices.

    Args:
        source_shape: `(x, y, z)` voxels of the source volume.
        source_affine: `(4, 4)`, source voxel index to scanner millimetres.
        prepared_shape: `(x, y, z)` voxels of the prepared stack.
        prepared_to_source: `(4, 4)`, prepared voxel index to source voxel index.
    """

    source_shape: tuple[int, int, int]
    source_affine: NDArray[np.float64]
    prepared_shape: tuple[int, int, int]
    prepared_to_source: NDArray[np.float64]

    @property
    def affine(self) -> NDArray[np.float64]:
        """`(4, 4)`, prepared voxel index to scanner millimetres."""
        return self.source_affine @ self.prepared_to_source

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel size of the prepared stack along x, y, z."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(x), float(y), float(z)

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of one prepared voxel (the determinant, so shear counts)."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    def with_slices(self, num_slices: int) -> "VolumeGeometry":
        """The same physical extent, first to last slice centre, in `num_slices` slices.

        The new slice spacing is `(n - 1) * dz / (num_slices - 1)` for n source slices of spacing dz.
        """
        x, y, n = self.prepared_shape
        rescale = np.diag([1.0, 1.0, (n - 1) / (num_slices - 1), 1.0])
        return VolumeGeometry(
            self.source_shape, self.source_affine, (x, y, num_slices), self.prepared_to_source @ rescale
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain form for JSON."""
        return {
            "source_shape": list(self.source_shape),
            "source_affine": self.source_affine.tolist(),
            "prepared_shape": list(self.prepared_shape),
            "prepared_to_source": self.prepared_to_source.tolist(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "VolumeGeometry":
        """Inverse of `to_dict`."""
        return cls(
            source_shape=tuple(values["source_shape"]),
            source_affine=np.asarray(values["source_affine"], dtype=np.float64),
            prepared_shape=tuple(values["prepared_shape"]),
            prepared_to_source=np.asarray(values["prepared_to_source"], dtype=np.float64),
        )


def bounding_box(mask: NDArray[np.bool_]) -> tuple[slice, ...]:
    """The smallest box that holds all of a mask, which is not empty: one slice per axis."""
    axes = range(mask.ndim)
    filled = (np.flatnonzero(mask.any(axis=tuple(set(axes) - {axis}))) for axis in axes)
    return tuple(slice(int(at[0]), int(at[-1]) + 1) for at in filled)
