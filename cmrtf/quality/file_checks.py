"""Judges a raw volume: whether it is a labelled short-axis stack, and what is odd about it.

Every function returns issues and raises nothing. `examination.py` asks them in their order: a
volume without errors from one may be shown to the next.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.geometry import bounding_box
from cmrtf.core.issues import ERROR, WARNING, Issue
from cmrtf.core.labels import SCHEMA, foreign_values
from cmrtf.core.nifti import NiftiVolume

IN_PLANE_RANGE_MM = (0.2, 5.0)
"""Pixel sizes beyond this are headers gone wrong (short-axis cine: 0.7 to 2 mm)."""

SLICE_RANGE_MM = (0.5, 30.0)
"""Slice spacings beyond this are headers gone wrong (short-axis cine: 5 to 20 mm)."""

OTHER_UNITS = {"metres": 1000.0, "micrometres": 0.001}
"""What a spacing may be in by mistake, and how many millimetres that is."""

RIGHT_ANGLE_TOLERANCE = 1e-3
"""Cosine of two axes; other readers refuse headers beyond this."""

FEW_SLICES = 3
SATURATED_SHARE = 0.005
NEGATIVE_SHARE = 0.001
WRAPPED_PAIRS = 10


def file_issues(path: Path, volume: NiftiVolume) -> list[Issue]:
    """Judge what a file says of itself: its name and its unit."""
    found = []
    if volume.is_gzip != path.name.endswith(".gz"):
        names = (".nii.gz", ".nii") if volume.is_gzip else (".nii", ".nii.gz")
        found.append(
            Issue(
                WARNING,
                path,
                f"expected the extension {names[0]}, as the content is. Received: {names[1]}; "
                f"read as what it is",
            )
        )
    if volume.space_unit in ("metre", "micrometre"):
        found.append(
            Issue(
                WARNING,
                path,
                f"expected millimetres. Received: {volume.space_unit} as the unit in the header; the "
                f"numbers are taken as millimetres",
            )
        )
    return found


def axes_issues(path: Path, affine: NDArray[np.float64]) -> list[Issue]:
    """Judge voxel sizes and directions: errors when they cannot be, warnings when other readers stumble."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosines = affine[:3, :3] / spacing
    sizes = " x ".join(f"{size:g}" for size in spacing)
    # Unit columns of a right-angled affine span volume 1, of a flat one 0.
    if not _is_plausible(spacing) or abs(np.linalg.det(cosines)) < 0.1:
        units = [unit for unit, mm in OTHER_UNITS.items() if _is_plausible(spacing * mm)]
        hint = f" These look like {units[0]}." if units else ""
        return [
            Issue(
                ERROR,
                path,
                f"expected pixels of {_span(IN_PLANE_RANGE_MM)} mm, slices {_span(SLICE_RANGE_MM)} mm "
                f"apart, and three distinct axes. Received: {sizes} mm, affine "
                f"{np.round(affine, 3).tolist()}.{hint}",
            )
        ]
    found = []
    skew = np.abs(cosines.T @ cosines - np.eye(3)).max()
    if skew > RIGHT_ANGLE_TOLERANCE:
        degrees = np.degrees(np.arcsin(min(skew, 1.0)))
        found.append(
            Issue(
                WARNING,
                path,
                f"expected axes at right angles. Received: {degrees:.2f} degrees off; kept as they are",
            )
        )
    if np.linalg.det(cosines) < 0:
        found.append(
            Issue(
                WARNING,
                path,
                "expected right-handed axes. Received: left-handed ones; kept as they are",
            )
        )
    return found


def grid_issues(
    path: Path,
    shape: tuple[int, ...],
    affine: NDArray[np.float64],
    other_path: Path,
    other_shape: tuple[int, ...],
    other_affine: NDArray[np.float64],
) -> list[Issue]:
    """Judge whether two files hold the same voxels: one shape, and corners within half a pixel."""
    if shape != other_shape:
        problem = f"expected the shape {shape} of {path.name}. Received: {other_shape}."
        return [Issue(ERROR, other_path, problem)]
    corners = np.array([[x, y, z, 1] for x in (0, shape[0]) for y in (0, shape[1]) for z in (0, shape[2])])
    shift_mm = np.linalg.norm((corners @ (other_affine - affine).T)[:, :3], axis=1).max()
    if shift_mm <= np.linalg.norm(affine[:3, :2], axis=0).min() / 2:
        return []
    return [
        Issue(
            ERROR,
            other_path,
            f"expected the affine {np.round(affine, 3).tolist()} of {path.name}, so that both "
            f"lie in one place. Received: {np.round(other_affine, 3).tolist()}, {shift_mm:.1f} mm away.",
        )
    ]


def slices_issues(path: Path, num_slices: int) -> list[Issue]:
    """Judge whether there is a stack: an error for one slice, a warning for few."""
    if num_slices > FEW_SLICES:
        return []
    level, fewest = (ERROR, 2) if num_slices < 2 else (WARNING, FEW_SLICES + 1)
    problem = f"expected a stack of at least {fewest} slices from apex to base. Received: {num_slices}"
    return [Issue(level, path, problem)]


def image_issues(path: Path, image: NDArray[Any]) -> list[Issue]:
    """Judge an `(x, y, z)` image of finite values: contrast, and what integers do when they overflow."""
    low, high = image.min(), image.max()
    if not low < high:
        problem = f"expected an image. Received: the value {low:g} everywhere."
        return [Issue(ERROR, path, problem)]
    return _overflow_issues(path, image) if image.dtype.kind in "iu" else []


def finite_issues(path: Path, image: NDArray[Any], heart: NDArray[np.bool_]) -> list[Issue]:
    """Judge values that are NaN or infinite: an error where the heart is, replaced elsewhere.

    Args:
        path: the image's file.
        image: `(x, y, z)`.
        heart: `(x, y, z)`, where there is a label.
    """
    if image.dtype.kind in "iu" or not (broken := ~np.isfinite(image)).any():
        return []
    count = int(np.count_nonzero(broken))
    if broken[bounding_box(heart)].any():
        problem = f"expected finite values. Received: {count} voxels that are NaN or infinite."
        return [Issue(ERROR, path, problem)]
    problem = (
        f"expected finite values. Received: {count} voxels that are NaN or infinite, all of them away from "
        f"the heart; replaced by the lowest value"
    )
    return [Issue(WARNING, path, problem)]


def label_issues(
    path: Path, label: NDArray[Any], label_to_schema: Mapping[int, int], frame: int | None
) -> list[Issue]:
    """Judge an `(x, y, z)` label: only values of its data set, and a heart in at least two slices."""
    names = {value: SCHEMA.structures[label_id] for value, label_id in label_to_schema.items()}
    if complaint := foreign_values(label, names, "the file's order"):
        return [Issue(ERROR, path, complaint)]
    return heart_issues(path, label, frame)


def heart_issues(path: Path, label_ids: NDArray[Any], frame: int | None = None) -> list[Issue]:
    """Judge whether an `(x, y, z)` label shows a heart in at least two slices."""
    labelled_slices = int(np.count_nonzero(label_ids.any(axis=(0, 1))))
    if labelled_slices >= 2:
        return []
    received = "an empty mask" if labelled_slices == 0 else "labels in one slice only"
    where = "" if frame is None else f" of frame {frame} (counted from 0)"
    problem = f"expected a heart labelled in at least 2 slices{where}. Received: {received}."
    return [Issue(ERROR, path, problem)]


def _overflow_issues(path: Path, image: NDArray[Any]) -> list[Issue]:
    """What happens to a magnitude image, 0 and more, in a type that is too small or has a sign."""
    limits, low, high = np.iinfo(image.dtype), int(image.min()), int(image.max())
    if high == limits.max:
        share = float(np.mean(image == high))
        if share > SATURATED_SHARE:
            problem = (
                f"expected few voxels at {high}, the end of {image.dtype}. Received: {share:.1%}; "
                f"brighter values are lost"
            )
            return [Issue(WARNING, path, problem)]
    if low < limits.min / 2 < 0 and high > limits.max / 2 and _num_jumps(image) >= WRAPPED_PAIRS:
        problem = (
            f"expected an image. Received: voxels that jump from {high} to {low} beside each other: values "
            f"too large for {image.dtype} have become negative."
        )
        return [Issue(ERROR, path, problem)]
    negative = float(np.mean(image < 0)) if low < 0 else 0.0
    if negative > NEGATIVE_SHARE:
        problem = f"expected no negative values in a magnitude image. Received: {negative:.1%} of the voxels"
        return [Issue(WARNING, path, problem)]
    return []


def _num_jumps(image: NDArray[Any]) -> int:
    """Neighbours along x that lie more than three quarters of the type's range apart."""
    steps = np.abs(np.diff(image.astype(np.float64), axis=0))
    return int(np.count_nonzero(steps > 0.75 * 2.0 ** (8 * image.dtype.itemsize)))


def _is_plausible(spacing: NDArray[np.float64]) -> bool:
    ranges = (IN_PLANE_RANGE_MM, IN_PLANE_RANGE_MM, SLICE_RANGE_MM)
    return all(low <= size <= high for size, (low, high) in zip(spacing, ranges, strict=True))


def _span(limits: tuple[float, float]) -> str:
    """A range as people write it."""
    return f"{limits[0]:g} to {limits[1]:g}"
