"""Whether a subject's files hold stacks of slices that lie in one place: names, axes, frames and grids.

Nothing here raises: what is wrong becomes an issue.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from cmrtf.core.geometry import largest_shift_mm, spacing_mm
from cmrtf.core.issues import ERROR, WARNING, Issue, errors
from cmrtf.core.nifti import NiftiVolume
from cmrtf.datasets.base import PhaseFiles
from cmrtf.errors import FileError
from cmrtf.quality.checked_subject import CheckedSubject
from cmrtf.quality.header_checks import header_issues, slices_issues, time_issues


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
        issues += header_issues(files.image, image)
        if files.has_image:  # most frames of a label file are empty
            issues += time_issues(files.image, image)
        issues += errors(header_issues(files.label, volumes[files.label]))
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


def _file_issues(path: Path, volume: NiftiVolume) -> list[Issue]:
    """Warnings about a file's name and its unit."""
    problems = []
    if volume.is_gzip != path.name.lower().endswith(".gz"):
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
    shift_mm = largest_shift_mm(shape, affine, other.affine)
    if shift_mm <= min(spacing_mm(affine)[:2]) / 2:
        return []
    problem = (
        f"expected the affine {np.round(affine, 3).tolist()} of {path.name}, so that both lie in one place. "
        f"Received: {np.round(other.affine, 3).tolist()}, {shift_mm:.1f} mm away."
    )
    return [Issue(ERROR, other_path, problem)]
