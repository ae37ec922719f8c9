"""Whether voxels are an image: what the values of a stack of slices can tell.

Nothing here raises: what is wrong becomes an issue. Arrays are in the order of their files, `(x, y, z)`.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.geometry import Geometry, bounding_box
from cmrtf.core.issues import ERROR, WARNING, Issue, errors
from cmrtf.core.labels import SCHEMA
from cmrtf.core.nifti import NiftiVolume
from cmrtf.core.preparation import to_nifti_order
from cmrtf.core.stack import Stack
from cmrtf.core.unknown import Unknown, slices_by_structure, unknown_or_none
from cmrtf.datasets.base import PhaseFiles
from cmrtf.quality.checked_subject import CheckedSubject
from cmrtf.quality.label_checks import read_label_ids

SATURATED_SHARE = 0.005
"""Of the voxels, at the end of their type; a few stand for the brightest vessel."""

FEWEST_GREYS = 8
"""Of an image; a label map has fewer values."""

NEGATIVE_SHARE = 0.001
"""Of the voxels; interpolation makes a few."""

WRAPPED_PAIRS = 10
"""Neighbours that lie almost the whole range of their type apart."""


def check_voxels(subject: CheckedSubject) -> CheckedSubject:
    """Check the voxels of each phase and make its stack of them; what is not finite is replaced."""
    stacks, issues = {}, []
    for phase, files in subject.raw.phases.items():
        image_volume, label_volume = subject.volumes[files.image], subject.volumes[files.label]
        image, label = _frame(image_volume, files), _frame(label_volume, files)
        geometry = Geometry.of(image_volume.affine, image.shape)
        unknown = _unknown(label_volume, files, subject.raw.label_to_schema)
        label_ids, problems = read_label_ids(
            files.label, label, subject.raw.label_to_schema, geometry.spacing_mm, phase, files.frame, unknown
        )
        if files.has_image and not errors(problems):
            image, found = _checked_image(files.image, image, label_ids > 0)
            problems += found
        if not errors(problems):
            stacks[phase] = Stack(to_nifti_order(image), to_nifti_order(label_ids), geometry, unknown=unknown)
            problems += _unknown_issues(files.label, phase, stacks[phase])
        issues += problems
    return replace(subject, issues=(*subject.issues, *issues), stacks=stacks, volumes={})


def _checked_image(
    path: Path, image: NDArray[Any], heart: NDArray[np.bool_]
) -> tuple[NDArray[Any], list[Issue]]:
    """An image without values that are not finite, unless there are some in the heart, and its issues."""
    broken = finite_issues(path, image, heart)
    if errors(broken):
        return image, broken
    image = _finite(image) if broken else image
    return image, broken + image_issues(path, image)


def image_issues(path: Path, image: NDArray[Any]) -> list[Issue]:
    """Check an `(x, y, z)` image of finite values: contrast, and what integers do when they overflow."""
    low, high = image.min(), image.max()
    if not low < high:
        problem = f"expected an image. Received: the value {low:g} everywhere."
        return [Issue(ERROR, path, problem)]
    if (greys := _few_greys(image)) is not None:
        received = ", ".join(f"{grey:g}" for grey in greys)
        problem = f"expected an image. Received: the values {received} alone, as of a label map."
        return [Issue(ERROR, path, problem)]
    return _overflow_issues(path, image) if image.dtype.kind in "iu" else []


def finite_issues(path: Path, image: NDArray[Any], heart: NDArray[np.bool_]) -> list[Issue]:
    """Check for values that are NaN or infinite: an error where the heart is, replaced elsewhere.

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


def _frame(volume: NiftiVolume, files: PhaseFiles) -> NDArray[np.generic]:
    """The phase's `(x, y, z)` voxels of a file."""
    return volume.data[..., files.frame] if volume.data.ndim == 4 else volume.data


def _unknown(volume: NiftiVolume, files: PhaseFiles, label_to_schema: Mapping[int, int]) -> Unknown:
    """What a phase's label leaves open: structures without a value, and what its file says."""
    unknown = np.zeros((volume.data.shape[2], SCHEMA.num_classes), np.bool_)
    unknown[:, sorted(set(range(SCHEMA.num_classes)) - set(label_to_schema.values()))] = True
    if volume.unknown is not None:
        unknown |= volume.unknown[:, files.frame or 0]
    return unknown_or_none(unknown)


def _unknown_issues(path: Path, phase: str, stack: Stack) -> list[Issue]:
    """A warning that names the structures that are unknown."""
    slices = slices_by_structure(stack.unknown)
    names = [
        name if len(numbers) == stack.num_slices else f"{name} in some slices"
        for name, numbers in slices.items()
    ]
    problem = (
        f"expected labels of {', '.join(SCHEMA.foreground)} at {phase}. Received: none of "
        f"{' and '.join(names)}; unknown there, so left out of losses and scores"
    )
    return [Issue(WARNING, path, problem)] if names else []


def _finite(image: NDArray[np.generic]) -> NDArray[np.generic]:
    """The image with the lowest value where it is NaN or infinite."""
    finite = np.isfinite(image)
    return np.where(finite, image, image[finite].min())


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


def _few_greys(image: NDArray[Any]) -> NDArray[Any] | None:
    """The values of an image that has fewer than a picture has, None of others."""
    middle = image[..., image.shape[2] // 2]  # sorting all voxels would take longer than all other checks
    if np.unique(middle).size >= FEWEST_GREYS:
        return None
    greys = np.unique(image)
    return greys if greys.size < FEWEST_GREYS else None


def _num_jumps(image: NDArray[Any]) -> int:
    """Neighbours along x that lie more than three quarters of the type's range apart."""
    steps = np.abs(np.diff(image.astype(np.float64), axis=0))
    return int(np.count_nonzero(steps > 0.75 * 2.0 ** (8 * image.dtype.itemsize)))
