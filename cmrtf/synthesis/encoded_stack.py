"""A stack as codes, with the pose of its heart taken out, for interpolations between it and others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.labels import SCHEMA
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject
from cmrtf.shape.pose import inverse, landmarks, mean_landmarks, move, move_fields, pose_between
from cmrtf.shape.signed_distance import fill_gaps, residuals
from cmrtf.synthesis.heart_axis import HeartSpan, codes_at
from cmrtf.synthesis.protocols import Models

UNKNOWN = np.array([[0.0, 0.0], [0.0, 1.0]])
"""Landmarks of all hearts of an interpolation where those of one are unknown: then none is moved."""


@dataclass(frozen=True)
class EncodedStack:
    """A stack as codes, one of shape and one of style for each slice.

    Args:
        stack: what was encoded; slices that were not labelled between labelled ones are.
        span: which slices are labelled.
        label_codes: `(slices, latent_dim)`, of the heart in the pose of `upright`; those of unlabelled
            slices are never used.
        style_codes: `(slices, style_dim)`, of the images as they are.
        landmarks: `(2, 2)`, where the heart lies; see `cmrtf.shape.pose`.
        upright: `(2, 2)`, landmarks of the pose in which it was encoded.
        label_residuals: `(slices, num_classes * size * size)`, what the decoder misses of each slice as
            signed distances; None where interpolations need not start and end at the true labels.
    """

    stack: Stack
    span: HeartSpan
    label_codes: NDArray[np.float32]
    style_codes: NDArray[np.float32]
    landmarks: NDArray[np.float64]
    upright: NDArray[np.float64]
    label_residuals: NDArray[np.float32] | None = None

    def pose_at(self, place: NDArray[np.float64]) -> NDArray[np.float64]:
        """How decoded labels are moved for a heart to lie at `place`, landmarks of a pose."""
        return pose_between(self.upright, place)

    def residuals_at(self, positions: NDArray[np.float64], place: NDArray[np.float64]) -> NDArray[np.float32]:
        """What the decoder misses, for a heart that lies at `place`.

        Args:
            positions: `(n,)`, in fractions of the stack.
            place: landmarks of the pose that is wanted.

        Returns:
            `(n, num_classes * size * size)`.
        """
        assert self.label_residuals is not None
        rows, pose = codes_at(self.label_residuals, positions), pose_between(self.landmarks, place)
        fields = rows.reshape(len(rows) * SCHEMA.num_classes, *self.stack.label_ids.shape[1:])
        return move_fields(fields, pose, np.zeros(len(fields), np.float32)).reshape(rows.shape)


def encode_ends(
    models: Models, ends: Sequence[Subject], phase: str, exact_ends: bool = False
) -> list[EncodedStack]:
    """Encode the ends of an interpolation between subjects: see `encode_stacks`.

    Args:
        models: a bundle's.
        ends: one subject, or two.
        phase: `"ED"` or `"ES"`; all have it.
        exact_ends: whether interpolations are to pass through the true labels.

    Raises:
        CmrtfError: fewer than two slices of a stack are labelled.
    """
    stacks = {f"subject {end.name}, {phase}": end.stacks[phase] for end in ends}
    return encode_stacks(models, stacks, exact_ends)


def encode_stacks(models: Models, named: Mapping[str, Stack], exact_ends: bool) -> list[EncodedStack]:
    """Encode the ends of an interpolation, slice by slice, their labels without gaps.

    Two hearts that lie differently are both encoded in the pose half way between theirs. Their codes then
    differ by shape alone; codes between those of a heart and of one that is turned decode to neither.

    Args:
        models: a bundle's.
        named: one stack or two, by what messages call them.
        exact_ends: whether interpolations are to pass through the true labels.

    Raises:
        CmrtfError: fewer than two slices of a stack are labelled.
    """
    stacks = [stack.with_labels(fill_gaps(stack.label_ids)) for stack in named.values()]
    spans = [HeartSpan.of(stack, name) for stack, name in zip(stacks, named, strict=True)]
    places = [place for stack in stacks if (place := landmarks(stack.label_ids)) is not None]
    if len(places) < len(stacks):  # an RV is not labelled, and nobody can say how that heart is turned
        places = [UNKNOWN] * len(stacks)
    upright = mean_landmarks(places)
    encoded = []
    for stack, span, own in zip(stacks, spans, places, strict=True):
        pose = pose_between(upright, own)
        codes = models.encode(move(stack.label_ids, inverse(pose)))
        missed = residuals(stack.label_ids, move(models.decode(codes), pose)) if exact_ends else None
        styles = models.encode_style(stack.image)
        encoded.append(EncodedStack(stack, span, codes, styles, own, upright, missed))
    return encoded
