"""The two jobs: a subject's slices become 32, and subjects appear between two.

Everything is done in codes: label codes carry shape, style codes carry appearance, and both are
interpolated linearly, along the heart within a subject and from A to B between subjects, so that
neighbouring slices and neighbouring subjects match in both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from cmrtf.cohort.record import PreparedVolume, SubjectRecord
from cmrtf.core.geometry import Geometry
from cmrtf.core.labels import SCHEMA
from cmrtf.core.subject import ReferenceSubject, SyntheticSubject
from cmrtf.shape.plausibility import repair
from cmrtf.shape.signed_distance import add_residuals, residuals
from cmrtf.synthesis.heart_axis import HeartSpan, between, codes_at, walk_weights
from cmrtf.synthesis.protocols import Models


@dataclass(frozen=True)
class CodedStack:
    """A subject in one phase as codes, one per slice of its source.

    Args:
        label_codes: `(slices, latent_dim)`; those of unlabelled slices are never used.
        label_residuals: `(slices, classes * size * size)`, what the decoder misses of each slice as signed
            distances; None where walks need not start and end at the true labels.
        style_codes: `(slices, style_dim)`.
        span: which slices are labelled.
        geometry: of the prepared stack.
        intensity_window: source values of -1 and 1.
    """

    label_codes: NDArray[np.float32]
    label_residuals: NDArray[np.float32] | None
    style_codes: NDArray[np.float32]
    span: HeartSpan
    geometry: Geometry
    intensity_window: tuple[float, float]

    @classmethod
    def encode(
        cls,
        models: Models,
        record: SubjectRecord,
        volume: PreparedVolume,
        phase: str,
        exact_ends: bool = False,
    ) -> "CodedStack":
        """Encode a prepared stack slice by slice.

        Args:
            models: a bundle.
            record: whose stack it is.
            volume: the stack.
            phase: `"ED"` or `"ES"`.
            exact_ends: whether walks are to pass through the true labels.

        Raises:
            CmrtfError: fewer than two of its slices are labelled.
        """
        codes = models.encode(volume.label_ids)
        return cls(
            codes,
            _missed(models, volume.label_ids, codes) if exact_ends else None,
            models.encode_style(volume.image),
            HeartSpan.of(volume.label_ids, f"subject {record.subject}, {phase}"),
            record.geometry,
            record.intensity_window[phase],
        )


def decode_labels_between(
    models: Models,
    start: CodedStack,
    end: CodedStack,
    weight: float,
    num_slices: int,
    repaired: bool = True,
) -> NDArray[np.uint8]:
    """Labels at `weight` on the straight line between two stacks.

    A slice of the new stack takes the codes of the same place along the heart in both, apex to apex
    and base to base, where it has one; beyond the labelled part it shows no heart. What the decoder
    misses of the ends, if it is known, is interpolated like the codes and added.

    Args:
        models: a bundle.
        start: at weight 0.
        end: at weight 1.
        weight: the place on the line.
        num_slices: of the new stack.
        repaired: whether to mend what no heart can look like.

    Returns:
        label ids, `(num_slices, size, size)`.
    """
    positions = np.linspace(0.0, 1.0, num_slices)
    span = start.span.towards(end.span, weight)
    has_heart = span.contains(positions)
    # Where a label reaches beyond its slice, the shape is that of the slice.
    places = np.clip(positions, span.first, span.last)[has_heart]
    decoded = models.decode(_walked(span, start.label_codes, end.label_codes, start, end, places, weight))
    if start.label_residuals is not None and end.label_residuals is not None:
        missed = _walked(span, start.label_residuals, end.label_residuals, start, end, places, weight)
        decoded = add_residuals(decoded, missed, SCHEMA.num_classes)
    label_ids = np.zeros((num_slices, *decoded.shape[1:]), np.uint8)
    label_ids[has_heart] = repair(decoded) if repaired else decoded
    return label_ids


def paint_between(
    models: Models, start: CodedStack, end: CodedStack, weight: float, label_ids: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Images of a stack at `weight` between two others, in the style of that place.

    Styles go on changing where labels reach beyond their slice.

    Returns:
        images of the shape of `label_ids`.
    """
    span, places = start.span.towards(end.span, weight), np.linspace(0.0, 1.0, len(label_ids))
    styles = _walked(span, start.style_codes, end.style_codes, start, end, places, weight)
    return models.synthesize(label_ids, styles)


def _missed(models: Models, label_ids: NDArray[np.uint8], codes: NDArray[np.float32]) -> NDArray[np.float32]:
    return residuals(label_ids, models.decode(codes), SCHEMA.num_classes)


def _walked(
    span: HeartSpan,
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    start: CodedStack,
    end: CodedStack,
    places: NDArray[np.float64],
    weight: float,
) -> NDArray[np.float32]:
    """Codes between those of the same places along both hearts."""
    at_start, at_end = (span.carry_over(places, to=stack.span) for stack in (start, end))
    return between(codes_at(first, at_start), codes_at(second, at_end), np.float32(weight))


def affine_between(start: Geometry, end: Geometry, weight: float, num_slices: int) -> NDArray[np.float64]:
    """Where a stack at `weight` stands: at the start's middle, with its directions.

    Two subjects lie in two scanners' coordinates, so a point between their positions means nothing;
    only the slice spacing is interpolated.

    Returns:
        `(4, 4)`, voxel index to scanner millimetres.
    """
    own, other = (geometry.with_slices(num_slices) for geometry in (start, end))
    factor = between(own.spacing_mm[2], other.spacing_mm[2], weight) / own.spacing_mm[2]
    about_middle = np.eye(4)
    about_middle[2, 2] = factor
    about_middle[2, 3] = (1.0 - factor) * (num_slices - 1) / 2
    return own.affine @ about_middle


def interpolate_subjects(
    models: Models,
    ends: Sequence[tuple[SubjectRecord, dict[str, PreparedVolume]]],
    phases: Sequence[str],
    num_slices: int = 32,
    num_subjects: int = 8,
    progress: bool = False,
    exact_ends: bool = False,
    repaired: bool = True,
) -> tuple[list[SyntheticSubject], list[ReferenceSubject]]:
    """Synthesise one subject (the intrasubject job), or two and those between (the intersubject job).

    Args:
        models: a bundle.
        ends: subject A, or A and B, with their prepared volumes.
        phases: of `"ED"` and `"ES"`; every end has them.
        num_slices: of each synthetic stack.
        num_subjects: between A and B.
        progress: whether to show a progress bar.
        exact_ends: whether walks pass through the true labels.
        repaired: whether labels that no heart can have are mended.

    Returns:
        the synthetic subjects `intra_<A>`, `inter_01` .., `intra_<B>`, and the source stacks, each in
        every phase.
    """
    synthetic, references = [], []
    for phase in phases:
        stacks = [
            CodedStack.encode(models, record, volumes[phase], phase, exact_ends) for record, volumes in ends
        ]
        # The intrasubject job is the walk from a subject to itself.
        walk = [(f"intra_{record.subject}", i, i, 0.0) for i, (record, _) in enumerate(ends)]
        if len(ends) == 2:
            weights = enumerate(walk_weights(num_subjects), start=1)
            walk += [(f"inter_{number:02d}", 0, 1, weight) for number, weight in weights]
        for name, start, end, weight in tqdm(walk, phase, unit="stack", disable=not progress):
            ends_of_walk = stacks[start], stacks[end]
            label_ids = decode_labels_between(models, *ends_of_walk, weight, num_slices, repaired)
            image = paint_between(models, *ends_of_walk, weight, label_ids)
            windows = zip(stacks[start].intensity_window, stacks[end].intensity_window, strict=True)
            low, high = (between(a, b, weight) for a, b in windows)
            synthetic.append(
                SyntheticSubject(
                    name=name,
                    phase=phase,
                    weight=start + weight,
                    label_ids=label_ids,
                    image=image,
                    affine=affine_between(stacks[start].geometry, stacks[end].geometry, weight, num_slices),
                    intensity_window=(low, high),
                )
            )
        references += [
            reference(record, volumes, phase, float(i)) for i, (record, volumes) in enumerate(ends)
        ]
    return synthetic, references


def reference(
    record: SubjectRecord, volumes: Mapping[str, PreparedVolume], phase: str, weight: float
) -> ReferenceSubject:
    """The source stack of a subject at its end of a walk."""
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
