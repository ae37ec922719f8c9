"""A subject on its way through the checks, and what is known of it at their end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.files import sha256
from cmrtf.core.geometry import Geometry
from cmrtf.core.issues import WARNING, Issue, errors, raise_errors
from cmrtf.core.nifti import NiftiVolume
from cmrtf.core.preparation import (
    is_base_first,
    prepare_image,
    prepare_labels,
    prepare_unknown,
    to_nifti_order,
)
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject
from cmrtf.datasets.base import RawSubject

STEPS, OFF_EDGE = 100, 0.381966
"""Greys in which two scans are told apart. An irrational part of a step keeps fractions of whole numbers off
its edges."""


@dataclass(frozen=True)
class CheckedSubject:
    """A subject and all that the checks have told of it so far.

    Args:
        raw: its files; the phases are exchanged where they were swapped.
        issues: errors and warnings.
        volumes: file to its content, once all files can be read.
        stacks: by phase, once all voxels can be used: in the units, on the voxels and in the slice order of
            their files, with label ids of `SCHEMA` and finite values.
        geometry: of the prepared stacks, once all checks are done without an error.
        is_order_in_doubt: whether its slice order cannot be told from its stack, and nobody says it.
    """

    raw: RawSubject
    issues: tuple[Issue, ...] = ()
    volumes: Mapping[Path, NiftiVolume] = field(default_factory=dict)
    stacks: Mapping[str, Stack] = field(default_factory=dict)
    geometry: Geometry | None = None
    is_order_in_doubt: bool = False

    @property
    def is_usable(self) -> bool:
        """Whether there is no error."""
        return not errors(self.issues)

    @property
    def known_base_first(self) -> bool | None:
        """Whether its slices are stored base first, once all checks are done; None in doubt."""
        assert self.geometry, "the last check sets it"
        return None if self.is_order_in_doubt else is_base_first(self.geometry)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd or was repaired, without names of files."""
        return tuple(dict.fromkeys(issue.problem for issue in self.issues if issue.level == WARNING))

    @property
    def voxels_sha256(self) -> dict[str, str]:
        """`"ED image"`, `"ED label"`, ... to the SHA-256 of what they show: two with one are the same scan.

        It does not depend on a file's header and compression, nor on the scale of an image or the values that
        stand for structures.
        """
        images = {
            f"{phase} image": image_sha256(to_nifti_order(stack.image))
            for phase, stack in self.stacks.items()
            if self.raw.phases[phase].has_image
        }
        labels = {
            f"{phase} label": sha256(np.ascontiguousarray(stack.label_ids).tobytes())
            for phase, stack in self.stacks.items()
        }
        return images | labels

    @property
    def subject(self) -> Subject:
        """The subject with its raw stacks."""
        raw = self.raw
        return Subject(raw.subject, "source", self.stacks, raw.vendor, raw.centre, raw.pathology)

    def require_contrast(self) -> None:
        """Prepare the images and throw them away: `prepared` of a usable subject can fail in nothing else.

        Raises:
            FileError: an image has no contrast around the heart.
        """
        assert self.geometry, "the last check sets it"
        for phase, stack in self.stacks.items():
            prepare_image(to_nifti_order(stack.image), self.geometry, self.raw.phases[phase].image)

    def prepared(self) -> Subject:
        """The subject with its stacks as networks read them.

        Raises:
            CmrtfError: the subject cannot be used; all errors are named.
        """
        raise_errors(self.issues)
        assert self.geometry, "the last check sets it"
        return self.subject.with_stacks(
            {
                phase: prepare_stack(stack, self.geometry, self.raw.phases[phase].image)
                for phase, stack in self.stacks.items()
            }
        )


def image_sha256(image: NDArray[Any]) -> str:
    """SHA-256 of what an image `(x, y, z)` shows, whatever its scale: two with one are the same scan."""
    return sha256(_in_steps(image).tobytes())


def _in_steps(image: NDArray[Any]) -> NDArray[np.uint8]:
    """An image of finite values in a few steps from its lowest to its highest value.

    Whole numbers lie nowhere on the edge of a step, so that rounding moves none into the next.
    """
    low, high = float(image.min()), float(image.max())
    return ((image.astype(np.float64) - low) / ((high - low) or 1.0) * STEPS + OFF_EDGE).astype(np.uint8)


def prepare_stack(raw: Stack, geometry: Geometry, source: Path) -> Stack:
    """Resample, crop, order and normalise one phase of a subject.

    Args:
        raw: in the units, on the voxels and in the slice order of its source.
        geometry: of the prepared stack, of `crop_geometry`.
        source: the image's file, to name in the message.

    Raises:
        FileError: the image has no contrast around the heart.
    """
    image, window = prepare_image(to_nifti_order(raw.image), geometry, source)
    labels = prepare_labels(to_nifti_order(raw.label_ids), geometry)
    return Stack(image, labels, geometry, window, prepare_unknown(raw.unknown, geometry))
