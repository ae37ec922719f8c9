"""Reads a raw subject, judges it and repairs what can be repaired without a guess.

The one judge: `cmrtf check` lists what it finds, `cmrtf prepare` refuses its errors and uses the
volumes that it repaired.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.issues import ERROR, WARNING, Issue, errors, raise_errors
from cmrtf.core.nifti import NiftiVolume, read_nifti
from cmrtf.datasets.base import PhaseFiles, RawSubject, RawVolume
from cmrtf.errors import FileError
from cmrtf.quality.file_checks import (
    axes_issues,
    file_issues,
    finite_issues,
    grid_issues,
    image_issues,
    label_issues,
    slices_issues,
)
from cmrtf.quality.label_checks import are_phases_swapped, label_order_issues, lv_voxels, stack_issues

Value = TypeVar("Value")


@dataclass(frozen=True)
class Examination:
    """What came of looking at a subject.

    Args:
        subject: the subject; its phases are exchanged where they were swapped.
        volumes: phase to its repaired volume; empty when there is an error.
        issues: errors and warnings, with the subject's code.
    """

    subject: RawSubject
    volumes: Mapping[str, RawVolume]
    issues: tuple[Issue, ...]

    def usable_volumes(self) -> Mapping[str, RawVolume]:
        """Phase to its volume.

        Raises:
            CmrtfError: the subject cannot be used; all errors are named.
        """
        raise_errors(self.issues)
        return self.volumes

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd or was repaired, without names of files."""
        return tuple(dict.fromkeys(each.problem for each in self.issues if each.level == WARNING))

    @property
    def voxels_sha256(self) -> str:
        """SHA-256 of the first phase's image as float32, whatever its file's header and compression."""
        image = next(iter(self.volumes.values())).image
        return hashlib.sha256(np.asarray(image, np.float32).tobytes()).hexdigest()


def examine(subject: RawSubject) -> Examination:
    """Read all files of a subject, each once, and judge them.

    From files to voxels to anatomy: where one step finds an error, the next has nothing to stand on.
    """
    files, issues = _read_files(subject)
    issues = [*subject.issues, *issues]
    volumes: dict[str, RawVolume] = {}
    if not errors(issues):
        issues += _stack_issues(subject, files)
    if not errors(issues):
        volumes, found = _phase_volumes(subject, files)
        issues += found
    if not errors(issues):
        for phase, volume in volumes.items():
            label = subject.phases[phase].label
            issues += label_order_issues(label, volume.label_ids, subject.label_to_schema)
    if errors(issues):
        volumes = {}
    else:
        issues += stack_issues(volumes)
        if are_phases_swapped(volumes):
            issues.append(_swapped_issue(volumes))
            subject = replace(subject, phases=_exchanged(subject.phases))
            volumes = _exchanged(volumes)
    code = subject.subject
    return Examination(subject, volumes, tuple(replace(each, subject=code) for each in issues))


def duplicate_issues(images: Iterable[tuple[RawSubject, str]]) -> list[Issue]:
    """An error for every image that is there under a second code: it could train and validate.

    Args:
        images: subjects with the SHA-256 of their voxels.
    """
    first: dict[str, str] = {}
    found = []
    for subject, sha256 in images:
        code = first.setdefault(sha256, subject.subject)
        if code != subject.subject:
            image = next(iter(subject.phases.values())).image
            problem = f"expected an image of its own. Received: the voxels of subject {code}."
            found.append(Issue(ERROR, image, problem, subject.subject))
    return found


def _read_files(subject: RawSubject) -> tuple[dict[Path, NiftiVolume], list[Issue]]:
    """Every file's volume, and what is wrong with the file."""
    volumes, issues = {}, []
    for path in dict.fromkeys(subject.files.values()):
        try:
            volumes[path] = read_nifti(path)
            issues += file_issues(path, volumes[path])
        except FileError as error:
            issues.append(Issue.of(error))
    return volumes, issues


def _stack_issues(subject: RawSubject, files: Mapping[Path, NiftiVolume]) -> list[Issue]:
    """Judge axes, frames and slices of every file, and then whether all lie in one place."""
    issues: list[Issue] = []
    for paths in subject.phases.values():
        image = files[paths.image]
        issues += axes_issues(paths.image, image.affine)
        issues += slices_issues(paths.image, image.data.shape[2])
        issues += _frame_issues(paths.image, image, paths)
        issues += _frame_issues(paths.label, files[paths.label], paths)
    if not errors(issues):
        first = next(iter(subject.phases.values())).image
        pairs = [(paths.image, paths.label) for paths in subject.phases.values()]
        pairs += [(first, paths.image) for paths in subject.phases.values() if paths.image != first]
        for path, other in pairs:
            one, two = files[path], files[other]
            issues += grid_issues(path, one.data.shape, one.affine, other, two.data.shape, two.affine)
    return list(dict.fromkeys(issues))


def _frame_issues(path: Path, volume: NiftiVolume, files: PhaseFiles) -> list[Issue]:
    """Whether a file has the frame that it should have."""
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


def _phase_volumes(
    subject: RawSubject, files: Mapping[Path, NiftiVolume]
) -> tuple[dict[str, RawVolume], list[Issue]]:
    """Voxels and label ids of each phase, where they are such."""
    volumes, issues = {}, []
    for phase, paths in subject.phases.items():
        image, label = _voxels(files[paths.image], paths), _voxels(files[paths.label], paths)
        found = label_issues(paths.label, label, subject.label_to_schema, paths.frame)
        if not found:
            label_ids = _in_schema_order(label, subject.label_to_schema)
            found = finite_issues(paths.image, image, label_ids > 0)
            if not errors(found):
                image = _finite(image) if found else image
                found += image_issues(paths.image, image)
            volumes[phase] = RawVolume(image, label_ids, files[paths.image].affine, paths.image)
        issues += found
    return volumes, issues


def _voxels(volume: NiftiVolume, files: PhaseFiles) -> NDArray[np.generic]:
    """The phase's `(x, y, z)` voxels of a file."""
    return volume.data[..., files.frame] if volume.data.ndim == 4 else volume.data


def _in_schema_order(label: NDArray[np.generic], label_to_schema: Mapping[int, int]) -> NDArray[np.uint8]:
    """Label ids of a label whose values are all known."""
    table = np.zeros(max(label_to_schema) + 1, np.uint8)
    table[list(label_to_schema)] = list(label_to_schema.values())
    return table[label.astype(np.uint16, copy=False)]


def _finite(image: NDArray[np.generic]) -> NDArray[np.generic]:
    """The image with the lowest value where it is NaN or infinite."""
    finite = np.isfinite(image)
    return np.where(finite, image, image[finite].min())


def _swapped_issue(volumes: Mapping[str, RawVolume]) -> Issue:
    voxel_ml = abs(np.linalg.det(volumes["ED"].affine[:3, :3])) / 1000.0
    ed, es = (lv_voxels(volumes[phase].label_ids) * voxel_ml for phase in ("ED", "ES"))
    problem = (
        f"expected an LV that is larger at ED than at ES. Received: {ed:.0f} and {es:.0f} ml; the two phases "
        f"are exchanged"
    )
    return Issue(WARNING, volumes["ED"].source, problem)


def _exchanged(phases: Mapping[str, Value]) -> dict[str, Value]:
    """ED for ES and ES for ED."""
    return {"ED": phases["ES"], "ES": phases["ED"]}
