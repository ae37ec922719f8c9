"""Whether a file says where a stack of slices lies: spacing, axes, and which of the axes is which.

Nothing here raises: what is wrong becomes an issue.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.geometry import largest_shift_mm, spacing_mm
from cmrtf.core.issues import ERROR, WARNING, Issue
from cmrtf.core.nifti import NiftiVolume

IN_PLANE_RANGE_MM = (0.2, 5.0)
"""Pixel sizes beyond this are headers gone wrong (short-axis cine: 0.7 to 2 mm)."""

SLICE_RANGE_MM = (0.5, 30.0)
"""Slice spacings beyond this are headers gone wrong (short-axis cine: 5 to 20 mm)."""

OTHER_UNITS = {"metres": 1000.0, "micrometres": 0.001}
"""What a spacing may be in by mistake, and how many millimetres that is."""

FARTHEST_MM = 10_000.0
"""From the scanner's centre; no scanner is as large. Beyond it millimetres get lost in rounding."""

RIGHT_ANGLE_TOLERANCE = 1e-3
"""Cosine of two axes; other readers refuse headers beyond this."""

SPACING_TOLERANCE = 0.02
"""Relative difference of two spacings in one header; direction cosines of two digits make 1 %."""

THICKER = 1.5
"""Times the spacing of both other axes: that is where the slices are."""

FEWER = 2
"""Times as many voxels along the third axis as along another: no stack has more slices than pixels."""

STILL = 0.5
"""Change along the third axis over that along the fourth. Neighbouring slices differ more than neighbouring
frames of a cine: 7 to 10 times as much in five patients of Sunnybrook."""

EVERY = 4
"""Of the pixels, how many are looked at to tell slices from frames."""

AXES = ("first", "second", "third")

FEW_SLICES = 3


def header_issues(path: Path, volume: NiftiVolume) -> list[Issue]:
    """Check spacing and axes: errors when they cannot be, warnings when other readers stumble.

    Args:
        path: the file.
        volume: its content.
    """
    checks = (_slice_axis_problem, _spacing_problem, _position_problem, _contradiction)
    for check in checks:
        if problem := check(volume):
            return [Issue(ERROR, path, problem)]
    return [Issue(WARNING, path, problem) for problem in (*_axes_problems(volume), *_place_problems(volume))]


def time_issues(path: Path, image: NiftiVolume) -> list[Issue]:
    """Check whether the fourth axis of a cine is time, not its third: an error if not."""
    if image.data.ndim != 4 or min(image.data.shape[2:]) < 2:
        return []
    voxels = image.data[::EVERY, ::EVERY].astype(np.float64)
    along_third, along_fourth = (float(np.abs(np.diff(voxels, axis=axis)).mean()) for axis in (2, 3))
    if not along_third < STILL * along_fourth:
        return []
    problem = (
        f"expected the axes (x, y, slices, time). Received: shape {image.data.shape}, spacing "
        f"{_by(image.pixdim_mm)} mm, whose voxels change less along the third axis than along the fourth, as "
        f"if time came before the slices. Exchange the two."
    )
    return [Issue(ERROR, path, problem)]


def slices_issues(path: Path, num_slices: int) -> list[Issue]:
    """Check whether there is a stack: an error for one slice, a warning for few."""
    if num_slices > FEW_SLICES:
        return []
    level, fewest = (ERROR, 2) if num_slices < 2 else (WARNING, FEW_SLICES + 1)
    problem = f"expected a stack of at least {fewest} slices from apex to base. Received: {num_slices}"
    return [Issue(level, path, problem)]


def _slice_axis_problem(volume: NiftiVolume) -> str | None:
    """Slices that lie along x or y, as their distance or their number says."""
    shape, spacing = volume.data.shape, spacing_mm(volume.affine)
    for axis in (0, 1):
        others = np.delete(spacing, axis)
        is_thicker = spacing[axis] > THICKER * others.max() and _is_plausible(
            np.array([*others, spacing[axis]])
        )
        if is_thicker or shape[axis] * FEWER < shape[2]:
            return (
                f"expected slices along the third axis, (x, y, slices). Received: shape {shape[:3]}, spacing "
                f"{_by(spacing)} mm, as if they lay along the {AXES[axis]}. Store them along the third."
            )
    return None


def _spacing_problem(volume: NiftiVolume) -> str | None:
    """A voxel that no short-axis stack has, or axes that coincide."""
    spacing = np.array(spacing_mm(volume.affine))
    # Unit columns of a right-angled affine span volume 1, of a flat one 0.
    if _is_plausible(spacing) and abs(np.linalg.det(_cosines(volume.affine))) >= 0.1:
        return None
    units = [unit for unit, mm in OTHER_UNITS.items() if _is_plausible(spacing * mm)]
    hint = f" These look like {units[0]}." if units else ""
    return (
        f"expected pixels of {_span(IN_PLANE_RANGE_MM)} mm, slices {_span(SLICE_RANGE_MM)} mm apart, and "
        f"three distinct axes. Received: {_by(spacing)} mm, affine "
        f"{np.round(volume.affine, 3).tolist()}.{hint}"
    )


def _position_problem(volume: NiftiVolume) -> str | None:
    """A first voxel that lies nowhere."""
    position = volume.affine[:3, 3]
    if (np.abs(position) <= FARTHEST_MM).all():  # False of NaN too
        return None
    return (
        f"expected a first voxel within {FARTHEST_MM:g} mm of the scanner's centre. Received: "
        f"{position.tolist()} in the affine."
    )


def _contradiction(volume: NiftiVolume) -> str | None:
    """A spacing that the header says twice, and not the same."""
    spacing = spacing_mm(volume.affine)
    if np.allclose(np.abs(volume.pixdim_mm), spacing, rtol=SPACING_TOLERANCE, atol=0.0):
        return None
    also = " and the qform" if volume.qform is not None else ""
    return (
        f"expected one spacing in the header. Received: {_by(spacing)} mm of the sform, "
        f"{_by(volume.pixdim_mm)} mm of pixdim{also}. Correct the one that is wrong."
    )


def _axes_problems(volume: NiftiVolume) -> list[str]:
    """Axes that are skew or left-handed."""
    cosines = _cosines(volume.affine)
    problems = []
    skew = np.abs(cosines.T @ cosines - np.eye(3)).max()
    if skew > RIGHT_ANGLE_TOLERANCE:
        degrees = np.degrees(np.arcsin(min(skew, 1.0)))
        problems.append(
            f"expected axes at right angles. Received: {degrees:.2f} degrees off; kept as they are"
        )
    if np.linalg.det(cosines) < 0:
        problems.append("expected right-handed axes. Received: left-handed ones; kept as they are")
    return problems


def _place_problems(volume: NiftiVolume) -> list[str]:
    """A position or a rotation that the header says twice, and not the same."""
    if volume.qform is None:
        return []
    shift_mm = largest_shift_mm(volume.data.shape, volume.affine, volume.qform)
    if shift_mm <= min(spacing_mm(volume.affine)[:2]) / 2:
        return []
    return [
        f"expected one place in the header. Received: a sform and a qform {shift_mm:.1f} mm apart; the sform "
        f"is used"
    ]


def _cosines(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """The directions of an affine's axes, as columns."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return affine[:3, :3] / np.array(spacing_mm(affine))


def _is_plausible(spacing: NDArray[np.float64]) -> bool:
    ranges = (IN_PLANE_RANGE_MM, IN_PLANE_RANGE_MM, SLICE_RANGE_MM)
    return all(low <= size <= high for size, (low, high) in zip(spacing, ranges, strict=True))


def _span(limits: tuple[float, float]) -> str:
    """A range as people write it."""
    return f"{limits[0]:g} to {limits[1]:g}"


def _by(sizes: NDArray[np.float64] | tuple[float, float, float]) -> str:
    """Sizes as people write them."""
    return " x ".join(f"{size:g}" for size in sizes)
