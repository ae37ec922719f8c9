"""The two jobs: a subject's slices become 32, and subjects appear between two.

Everything is done in codes: label codes carry shape, style codes carry appearance, and both are
interpolated linearly, along the stack within a subject and from A to B between subjects, so that
neighbouring slices and neighbouring subjects match in both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cmrtf.data.cohort import PreparedVolume, SubjectRecord
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.synthetic_subject import ReferenceSubject, SyntheticSubject
from cmrtf.synthesis.walks import between, resample_codes, walk_weights


class Models(Protocol):
    """What a bundle, on disk or behind a server, can do. Batches are of any size."""

    def encode(self, label_ids: NDArray[Any]) -> NDArray[np.float32]:
        """`(batch, size, size)` label ids to posterior means `(batch, latent_dim)`."""

    def decode(self, codes: NDArray[np.float32]) -> NDArray[np.uint8]:
        """`(batch, latent_dim)` codes to label ids `(batch, size, size)`."""

    def encode_style(self, image: NDArray[Any]) -> NDArray[np.float32]:
        """`(batch, size, size)` images in [-1, 1] to style means `(batch, style_dim)`."""

    def synthesize(self, label_ids: NDArray[Any], styles: NDArray[np.float32]) -> NDArray[np.float32]:
        """Label ids and a style for each to images `(batch, size, size)` in [-1, 1]."""


@dataclass(frozen=True)
class CodedStack:
    """A subject in one phase as codes on the wanted number of slices.

    Args:
        label_codes: `(slices, latent_dim)`.
        style_codes: `(slices, style_dim)`.
        affine: `(4, 4)`, voxel index of the new stack to scanner millimetres.
        intensity_window: source values of -1 and 1.
    """

    label_codes: NDArray[np.float32]
    style_codes: NDArray[np.float32]
    affine: NDArray[np.float64]
    intensity_window: tuple[float, float]

    @classmethod
    def encode(
        cls, models: Models, record: SubjectRecord, volume: PreparedVolume, phase: str, num_slices: int
    ) -> "CodedStack":
        """Encode a prepared stack slice by slice and bring it to `num_slices` over the same extent.

        Raises:
            CmrtfError: the stack has a single slice.
        """
        if record.num_slices < 2:
            raise CmrtfError(
                f"subject {record.subject}: expected two slices or more to interpolate between. Received: one."
            )
        return cls(
            resample_codes(models.encode(volume.label_ids), num_slices),
            resample_codes(models.encode_style(volume.image), num_slices),
            record.geometry.with_slices(num_slices).affine,
            record.intensity_window[phase],
        )

    def towards(self, other: "CodedStack", weight: float) -> "CodedStack":
        """The stack at `weight` on the straight line to `other`, standing where this one stands.

        Two subjects lie in two scanners' coordinates, so a point between their positions means
        nothing: the stack keeps this one's centre and directions, and its spacing is interpolated.
        """
        low, high = (
            between(a, b, weight) for a, b in zip(self.intensity_window, other.intensity_window, strict=True)
        )
        return CodedStack(
            between(self.label_codes, other.label_codes, weight),
            between(self.style_codes, other.style_codes, weight),
            _with_spacing_towards(self.affine, other.affine, weight, len(self.label_codes)),
            (low, high),
        )


def _with_spacing_towards(
    affine: NDArray[np.float64], other: NDArray[np.float64], weight: float, num_slices: int
) -> NDArray[np.float64]:
    """`affine` with its slice spacing interpolated towards `other`'s, about the middle of the stack."""
    own_mm, other_mm = (float(np.linalg.norm(a[:3, 2])) for a in (affine, other))
    factor = between(own_mm, other_mm, weight) / own_mm
    about_middle = np.eye(4)
    about_middle[2, 2] = factor
    about_middle[2, 3] = (1.0 - factor) * (num_slices - 1) / 2
    return affine @ about_middle


def interpolate_subjects(
    models: Models,
    ends: Sequence[tuple[SubjectRecord, dict[str, PreparedVolume]]],
    phases: Sequence[str],
    num_slices: int = 32,
    num_subjects: int = 8,
) -> tuple[list[SyntheticSubject], list[ReferenceSubject]]:
    """Synthesise one subject (the intrasubject job), or two and those between (the intersubject job).

    Args:
        models: a bundle.
        ends: subject A, or A and B, with their prepared volumes.
        phases: of `"ED"` and `"ES"`; every end has them.
        num_slices: of each synthetic stack.
        num_subjects: between A and B.

    Returns:
        the synthetic subjects `intra_<A>`, `inter_01` .., `intra_<B>`, and the source stacks, each in
        every phase.
    """
    synthetic, references = [], []
    for phase in phases:
        stacks = {
            f"intra_{record.subject}": CodedStack.encode(models, record, volumes[phase], phase, num_slices)
            for record, volumes in ends
        }
        walk = {name: (float(i), stack) for i, (name, stack) in enumerate(stacks.items())}
        if len(stacks) == 2:
            start, end = stacks.values()
            for number, weight in enumerate(walk_weights(num_subjects), start=1):
                walk[f"inter_{number:02d}"] = (weight, start.towards(end, weight))
        synthetic += [_decode(models, name, phase, weight, stack) for name, (weight, stack) in walk.items()]
        references += [
            _reference(record, volumes, phase, float(i)) for i, (record, volumes) in enumerate(ends)
        ]
    return synthetic, references


def _decode(models: Models, name: str, phase: str, weight: float, stack: CodedStack) -> SyntheticSubject:
    label_ids = models.decode(stack.label_codes)
    image = models.synthesize(label_ids, stack.style_codes)
    return SyntheticSubject(
        name=name,
        phase=phase,
        weight=weight,
        label_ids=label_ids,
        image=image,
        affine=stack.affine,
        intensity_window=stack.intensity_window,
    )


def _reference(
    record: SubjectRecord, volumes: dict[str, PreparedVolume], phase: str, weight: float
) -> ReferenceSubject:
    return ReferenceSubject(
        name=record.subject,
        phase=phase,
        weight=weight,
        label_ids=volumes[phase].label_ids,
        image=volumes[phase].image,
        affine=record.geometry.affine,
        vendor=record.vendor,
        pathology=record.pathology,
    )
