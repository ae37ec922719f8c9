"""Whether a subject's files hold stacks of slices that lie in one place: names, axes, frames and grids.

Nothing here raises: what is wrong becomes an issue.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.geometry import spacing_mm
from cmrtf.core.issues import ERROR, WARNING, Issue, errors
from cmrtf.core.nifti import NiftiVolume
from cmrtf.datasets.base import PhaseFiles
from cmrtf.errors import FileError
from cmrtf.quality.checked_subject import CheckedSubject

IN_PLANE_RANGE_MM = (0.2, 5.0)
"""Pixel sizes beyond this are headers gone wrong (short-axis cine: 0.7 to 2 mm)."""

SLICE_RANGE_MM = (0.5, 30.0)
"""Slice spacings beyond this are headers gone wrong (short-axis cine: 5 to 20 mm)."""

OTHER_UNITS = {"metres": 1000.0, "micrometres": 0.001}
"""What a spacing may be in by mistake, and how many millimetres that is."""

RIGHT_ANGLE_TOLERANCE = 1e-3
"""Cosine of two axes; other readers refuse headers beyond this."""

FEW_SLICES = 3


def check_files(subject: CheckedSubject) -> CheckedSubject:
    """Read every file of a subject, each once, and check what it says of itself."""
    volumes, issues = {}, []
    for path in dict.fromkeys(subject.raw.files.values()):
        try:
            volumes[path] = subject.raw.read(path)
        except FileError as error:
            issues.append(Issue.of(error))
        else:
            issues += _file_issues(path, volumes[path])
    return replace(subject, issues=(*subject.issues, *issues), volumes=volumes)


def check_places(subject: CheckedSubject) -> CheckedSubject:
    """Check axes, frames and slices of every file, and then whether all lie in one place."""
    phases, volumes = subject.raw.phases.values(), subject.volumes
    issues: list[Issue] = []
    for files in phases:
        image = volumes[files.image]
        issues += axes_issues(files.image, image.affine)
        issues += slices_issues(files.image, image.data.shape[2])
        issues += _frame_issues(files.image, image, files)
        issues += _frame_issues(files.label, volumes[files.label], files)
    if not errors(issues):
        first = next(iter(phases)).image
        pairs = [(files.image, files.label) for files in phases]
        pairs += [(first, files.image) for files in phases if files.image != first]
        for path, other in pairs:
            issues += _grid_issues(path, volumes[path], other, volumes[other])
    distinct = dict.fromkeys(issues)  # phases of one cine share their files
    return replace(subject, issues=(*subject.issues, *distinct))


def axes_issues(path: Path, affine: NDArray[np.float64]) -> list[Issue]:
    """Check voxel sizes and directions: errors when they cannot be, warnings when other readers stumble.

    Args:
        path: the image's file.
        affine: `(4, 4)`, voxel index to scanner millimetres.
    """
    spacing = np.array(spacing_mm(affine))
    with np.errstate(divide="ignore", invalid="ignore"):
        cosines = affine[:3, :3] / spacing
    # Unit columns of a right-angled affine span volume 1, of a flat one 0.
    if not _is_plausible(spacing) or abs(np.linalg.det(cosines)) < 0.1:
        units = [unit for unit, mm in OTHER_UNITS.items() if _is_plausible(spacing * mm)]
        hint = f" These look like {units[0]}." if units else ""
        problem = (
            f"expected pixels of {_span(IN_PLANE_RANGE_MM)} mm, slices {_span(SLICE_RANGE_MM)} mm apart, and "
            f"three distinct axes. Received: {' x '.join(f'{size:g}' for size in spacing)} mm, affine "
            f"{np.round(affine, 3).tolist()}.{hint}"
        )
        return [Issue(ERROR, path, problem)]
    problems = []
    skew = np.abs(cosines.T @ cosines - np.eye(3)).max()
    if skew > RIGHT_ANGLE_TOLERANCE:
        degrees = np.degrees(np.arcsin(min(skew, 1.0)))
        problems.append(
            f"expected axes at right angles. Received: {degrees:.2f} degrees off; kept as they are"
        )
    if np.linalg.det(cosines) < 0:
        problems.append("expected right-handed axes. Received: left-handed ones; kept as they are")
    return [Issue(WARNING, path, problem) for problem in problems]


def slices_issues(path: Path, num_slices: int) -> list[Issue]:
    """Check whether there is a stack: an error for one slice, a warning for few."""
    if num_slices > FEW_SLICES:
        return []
    level, fewest = (ERROR, 2) if num_slices < 2 else (WARNING, FEW_SLICES + 1)
    problem = f"expected a stack of at least {fewest} slices from apex to base. Received: {num_slices}"
    return [Issue(level, path, problem)]


def _file_issues(path: Path, volume: NiftiVolume) -> list[Issue]:
    """Warnings about a file's name and its unit."""
    problems = []
    if volume.is_gzip != path.name.endswith(".gz"):
        expected, received = (".nii.gz", ".nii") if volume.is_gzip else (".nii", ".nii.gz")
        problems.append(
            f"expected the extension {expected}, as the content is. Received: {received}; read as what it is"
        )
    if volume.space_unit in ("metre", "micrometre"):
        problems.append(
            f"expected millimetres. Received: {volume.space_unit} as the unit in the header; the numbers are "
            f"taken as millimetres"
        )
    return [Issue(WARNING, path, problem) for problem in problems]


def _frame_issues(path: Path, volume: NiftiVolume, files: PhaseFiles) -> list[Issue]:
    """An error when a file has not the frame that it should have."""
    if not files.is_cine:
        if volume.data.ndim == 3:
            return []
        problem = f"expected a single frame (x, y, z). Received: shape={volume.data.shape}."
        return [Issue(ERROR, path, problem)]
    frames = volume.data.shape[3] if volume.data.ndim == 4 else 1
    if files.frame is not None and 0 <= files.frame < frames:
        return []
    problem = (
        f"expected frame {files.frame} (counted from 0), as the subject's information says. "
        f"Received: a file of {frames} frames."
    )
    return [Issue(ERROR, path, problem)]


def _grid_issues(path: Path, volume: NiftiVolume, other_path: Path, other: NiftiVolume) -> list[Issue]:
    """An error unless two files hold the same voxels: one shape, and corners within half a pixel."""
    shape, affine = volume.data.shape, volume.affine
    if shape != other.data.shape:
        problem = f"expected the shape {shape} of {path.name}. Received: {other.data.shape}."
        return [Issue(ERROR, other_path, problem)]
    corners = np.array([[x, y, z, 1] for x in (0, shape[0]) for y in (0, shape[1]) for z in (0, shape[2])])
    shift_mm = np.linalg.norm((corners @ (other.affine - affine).T)[:, :3], axis=1).max()
    if shift_mm <= min(spacing_mm(affine)[:2]) / 2:
        return []
    problem = (
        f"expected the affine {np.round(affine, 3).tolist()} of {path.name}, so that both lie in one place. "
        f"Received: {np.round(other.affine, 3).tolist()}, {shift_mm:.1f} mm away."
    )
    return [Issue(ERROR, other_path, problem)]


def _is_plausible(spacing: NDArray[np.float64]) -> bool:
    ranges = (IN_PLANE_RANGE_MM, IN_PLANE_RANGE_MM, SLICE_RANGE_MM)
    return all(low <= size <= high for size, (low, high) in zip(spacing, ranges, strict=True))


def _span(limits: tuple[float, float]) -> str:
    """A range as people write it."""
    return f"{limits[0]:g} to {limits[1]:g}"
