"""One phase of a subject: a stack of short-axis slices with an image and its labels.

Together with `Subject` the one type that everything between readers and writers speaks. Conventions:
slices first and apex first, so `array[k, j, i]` is voxel `(i, j, k)` of the NIfTI volume; label ids are
those of `cmrtf.core.labels`.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.geometry import Geometry
from cmrtf.core.labels import SCHEMA
from cmrtf.core.stack_checks import (
    checked_image,
    checked_labels,
    checked_unknown,
    checked_window,
    float_image,
)
from cmrtf.core.unknown import Unknown
from cmrtf.errors import CmrtfError

SLICE_SUMMATION: Final = "slice_summation"
"""Every slice counts with the full slice spacing: the clinical standard (Schulz-Menger et al., *Standardized
image interpretation and post-processing in cardiovascular magnetic resonance: 2020 update*, JCMR 22:19)."""

CENTRE_TO_CENTRE: Final = "centre_to_centre"
"""The two end slices count by half (trapezoid rule): the volume between the first and the last slice centre,
whatever number of slices fills that span. Ten slices of 10 mm are 100 mm by slice summation, and their
32-slice version, 90 mm between the outer centres, 93 mm: the two compare centre to centre only."""


@dataclass(frozen=True, eq=False, repr=False)
class Stack:
    """One phase of a subject.

    Args:
        image: `(slices, height, width)`, float32 in [-1, 1]; of a raw stack in the units of the source.
        label_ids: `(slices, height, width)` uint8.
        geometry: where it lies.
        intensity_window: the source values of -1 and 1: an image value v is written as
            `low + (v + 1) / 2 * (high - low)`.
        unknown: `(slices, classes)` bool, which structures the source does not label in which slices, see
            `cmrtf.core.unknown`; None for none.

    Raises:
        CmrtfError: image, labels and geometry are not of one shape, the image is not of finite numbers,
            labels are not ids of structures, the window is not two finite numbers, the lower one first, or
            what is unknown is not said of each slice and structure.
    """

    image: NDArray[Any]
    label_ids: NDArray[np.uint8]
    geometry: Geometry
    intensity_window: tuple[float, float] = (-1.0, 1.0)
    unknown: Unknown = None

    def __post_init__(self) -> None:
        if not isinstance(self.geometry, Geometry):
            raise CmrtfError(f"expected a stack's geometry, a Geometry. Received: {self.geometry!r}.")
        shape = self.geometry.shape[::-1]
        checked: dict[str, Any] = {
            "image": checked_image(self.image),
            "label_ids": checked_labels(self.label_ids),
            "intensity_window": checked_window(self.intensity_window),
            "unknown": checked_unknown(self.unknown, shape[0]),
        }
        if not checked["image"].shape == checked["label_ids"].shape == shape:
            raise CmrtfError(
                f"expected an image and labels of the stack's shape {shape} (slices, height, width). "
                f"Received: shapes {checked['image'].shape} and {checked['label_ids'].shape}."
            )
        for name, value in checked.items():
            object.__setattr__(self, name, value)  # frozen

    @property
    def num_slices(self) -> int:
        """Number of slices."""
        return int(self.label_ids.shape[0])

    @cached_property
    def affine(self) -> NDArray[np.float64]:
        """`(4, 4)`, voxel index `(x, y, z)` to scanner millimetres (RAS+)."""
        return self.geometry.affine

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel size along x, y and z (z is the distance between slice centres)."""
        return self.geometry.spacing_mm

    @property
    def slice_spacing_mm(self) -> float:
        """Distance between slice centres."""
        return self.spacing_mm[2]

    @property
    def has_heart(self) -> NDArray[np.bool_]:
        """`(slices,)`: which slices have a label."""
        return np.any(self.label_ids, axis=(1, 2))

    def knows(self, structure: str) -> bool:
        """Whether the source labels a structure in every slice that shows it."""
        return self.unknown is None or not self.unknown[:, SCHEMA.id_of(structure)].any()

    def areas_mm2(self, structure: str) -> NDArray[np.float64]:
        """Area of one structure in each slice, `(slices,)`, apex first."""
        column, row = self.affine[:3, 0], self.affine[:3, 1]
        pixel_area_mm2 = float(np.linalg.norm(np.cross(column, row)))
        return self._pixels(structure).astype(np.float64) * pixel_area_mm2

    def volume_ml(self, structure: str, method: str = SLICE_SUMMATION) -> float:
        """Volume of one structure; NaN where the source does not label it in all slices.

        Args:
            structure: such as `"LV"`.
            method: `SLICE_SUMMATION` or `CENTRE_TO_CENTRE`.

        Raises:
            CmrtfError: there is no such structure or method.
        """
        if method not in (SLICE_SUMMATION, CENTRE_TO_CENTRE):
            raise CmrtfError(
                f"method: expected {SLICE_SUMMATION} or {CENTRE_TO_CENTRE}. Received: {method!r}."
            )
        if not self.knows(structure):
            return float("nan")
        voxels = self._pixels(structure).astype(np.float64)
        if method == CENTRE_TO_CENTRE:
            voxels[[0, -1]] /= 2.0
        return float(voxels.sum()) * self.geometry.voxel_volume_ml

    def lies_on(self, other: "Stack") -> bool:
        """Whether its voxels are those of another stack."""
        return self.geometry.shape == other.geometry.shape and np.allclose(self.affine, other.affine)

    def with_labels(self, label_ids: NDArray[np.uint8]) -> "Stack":
        """The same stack with other labels, of the same shape.

        Raises:
            CmrtfError: they have another shape, or are not ids of structures.
        """
        return replace(self, label_ids=label_ids)

    def with_image(self, image: NDArray[Any], intensity_window: tuple[float, float] | None = None) -> "Stack":
        """The same stack with another image of its shape, in another intensity window if one is given.

        The image becomes float32.

        Raises:
            CmrtfError: the image has another shape or is not of finite numbers, or the window is not two
                finite numbers, the lower one first.
        """
        window = self.intensity_window if intensity_window is None else intensity_window
        return replace(self, image=float_image(image), intensity_window=window)

    def save(self, path: Path | str) -> None:
        """Write the image, in the units and the place of the source.

        Args:
            path: ends in `.nii` or `.nii.gz`; its folder exists.

        Raises:
            CmrtfError: there is such a file, or it cannot be written.
        """
        from cmrtf.core.files import require_new_file, writing_to
        from cmrtf.core.nifti import write_nifti
        from cmrtf.core.preparation import restore_intensity, to_nifti_order

        require_new_file(Path(path))
        with writing_to(Path(path)):
            image = to_nifti_order(restore_intensity(self.image, self.intensity_window))
            write_nifti(Path(path), image, self.affine)

    def save_on_source(self, path: Path | str) -> None:
        """Write the image on the voxels of the file that the stack was prepared from, in its units.

        A prepared stack reaches 96 mm around the heart; beyond, the image is dark.

        Args:
            path: ends in `.nii` or `.nii.gz`; its folder exists.

        Raises:
            CmrtfError: the stack has other slices than its source, there is such a file, or it cannot be
                written.
        """
        from cmrtf.core.files import require_new_file, writing_to
        from cmrtf.core.nifti import write_nifti
        from cmrtf.core.preparation import place_on_source, restore_intensity

        if self.num_slices != self.geometry.source_shape[2]:
            raise CmrtfError(
                f"{path}: expected a stack with the slices of its source, {self.geometry.source_shape[2]}. "
                f"Received: {self.num_slices} slices. `save` writes them as they are."
            )
        require_new_file(Path(path))
        image = restore_intensity(place_on_source(self.image, self.geometry), self.intensity_window)
        with writing_to(Path(path)):
            write_nifti(Path(path), image, self.geometry.source_affine)

    def __repr__(self) -> str:
        x, y, z = self.geometry.shape
        spacing = " x ".join(f"{mm:.3g}" for mm in self.spacing_mm)
        return f"Stack({z} slices of {x} x {y}, {spacing} mm)"

    def _pixels(self, structure: str) -> NDArray[np.intp]:
        """Pixels of one structure in each slice."""
        return np.count_nonzero(self.label_ids == SCHEMA.id_of(structure), axis=(1, 2))
