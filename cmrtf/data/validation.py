"""Checks that a raw volume is a labelled short-axis stack; each failure names the file."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.errors import CmrtfError

IN_PLANE_RANGE_MM = (0.2, 5.0)
"""Pixel sizes beyond this are headers gone wrong (short-axis cine: 0.7 to 2 mm)."""

SLICE_RANGE_MM = (0.5, 30.0)
"""Slice spacings beyond this are headers gone wrong (short-axis cine: 5 to 20 mm)."""

SHOWN_PROBLEMS = 10


def check_spacing(path: Path, affine: NDArray[np.float64]) -> None:
    """Check that the affine is finite, invertible, and has plausible voxel sizes."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    ranges = (IN_PLANE_RANGE_MM, IN_PLANE_RANGE_MM, SLICE_RANGE_MM)
    plausible = all(low <= size <= high for size, (low, high) in zip(spacing, ranges, strict=True))
    # Unit columns of a right-angled affine span volume 1, of a flat one 0.
    if not plausible or abs(np.linalg.det(affine[:3, :3] / spacing)) < 0.1:
        raise CmrtfError(
            f"{path}: expected pixels of {_span(IN_PLANE_RANGE_MM)} mm, slices {_span(SLICE_RANGE_MM)} mm "
            f"apart, and three distinct axes. Received: {' x '.join(f'{size:g}' for size in spacing)} mm, "
            f"affine {np.round(affine, 3).tolist()}."
        )


def check_same_grid(
    path: Path,
    shape: tuple[int, ...],
    affine: NDArray[np.float64],
    other_path: Path,
    other_shape: tuple[int, ...],
    other_affine: NDArray[np.float64],
) -> None:
    """Check that two files hold the same voxels: one shape, and corners within half a pixel."""
    if shape != other_shape:
        raise CmrtfError(f"{other_path}: expected the shape {shape} of {path.name}. Received: {other_shape}.")
    corners = np.array([[x, y, z, 1] for x in (0, shape[0]) for y in (0, shape[1]) for z in (0, shape[2])])
    shift_mm = np.linalg.norm((corners @ (other_affine - affine).T)[:, :3], axis=1).max()
    if not shift_mm <= np.linalg.norm(affine[:3, :2], axis=0).min() / 2:
        raise CmrtfError(
            f"{other_path}: expected the affine {np.round(affine, 3).tolist()} of {path.name}, so that both "
            f"lie in one place. Received: {np.round(other_affine, 3).tolist()}, {shift_mm:.1f} mm away."
        )


def check_image(path: Path, image: NDArray[Any]) -> None:
    """Check that an `(x, y, z)` image has slices, finite values, and contrast."""
    if image.shape[2] < 2:
        raise CmrtfError(f"{path}: expected a stack of at least 2 slices. Received: shape={image.shape}.")
    if not np.isfinite(image).all():
        count = int(np.count_nonzero(~np.isfinite(image)))
        raise CmrtfError(
            f"{path}: expected finite values. Received: {count} voxels that are NaN or infinite."
        )
    if image.min() == image.max():
        raise CmrtfError(f"{path}: expected an image. Received: the value {image.min():g} everywhere.")


def check_heart(path: Path, label_ids: NDArray[Any], frame: int) -> None:
    """Check that an `(x, y, z)` label shows a heart in at least two slices."""
    labelled_slices = int(np.count_nonzero(label_ids.any(axis=(0, 1))))
    if labelled_slices < 2:
        received = "an empty mask" if labelled_slices == 0 else "labels in one slice only"
        raise CmrtfError(
            f"{path}: expected a heart labelled in at least 2 slices of frame {frame} (counted from 0). "
            f"Received: {received}."
        )


def raise_problems(problems: list[str], num_subjects: int) -> None:
    """Raise one error that names all bad subjects, or as many as a reader wants to see.

    Args:
        problems: one paragraph each.
        num_subjects: how many subjects were looked at.
    """
    if not problems:
        return
    if len(problems) == 1:
        raise CmrtfError(problems[0])
    shown = "\n".join(f"  - {problem}" for problem in problems[:SHOWN_PROBLEMS])
    more = len(problems) - SHOWN_PROBLEMS
    rest = f"\n  ... and {more} more." if more > 0 else ""
    raise CmrtfError(f"{len(problems)} of {num_subjects} subjects cannot be used:\n{shown}{rest}")


def _span(limits: tuple[float, float]) -> str:
    """A range as people write it."""
    return f"{limits[0]:g} to {limits[1]:g}"
