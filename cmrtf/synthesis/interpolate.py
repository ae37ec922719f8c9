"""The two jobs of the paper: a subject's slices become 32, and subjects appear between two.

Everything is done in codes: label codes carry shape, style codes carry appearance, and both are
interpolated linearly, along the heart within a subject and from A to B between subjects, so that
neighbouring slices and neighbouring subjects match in both. Where a heart lies and how it is turned is no
shape: it is taken out of the codes and goes its own way from A to B.

Reference:
    Amirrajab et al., *Intra- and intersubject synthesis of cardiac MR images using a VAE and GAN*,
    ISMRM 2022, no. 1838.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.arguments import MAX_BETWEEN, MAX_SLICES, require_texts, require_whole
from cmrtf.core.geometry import Geometry
from cmrtf.core.labels import PHASES, SCHEMA
from cmrtf.core.progress import progress_bar
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Kind, Subject
from cmrtf.core.unknown import Unknown, from_slices
from cmrtf.errors import CmrtfError
from cmrtf.shape.plausibility import repair
from cmrtf.shape.pose import landmarks_between, move
from cmrtf.shape.signed_distance import add_residuals
from cmrtf.synthesis.encoded_stack import EncodedStack, encode_ends
from cmrtf.synthesis.heart_axis import between, codes_at
from cmrtf.synthesis.protocols import Models


def interpolate_subjects(
    models: Models,
    ends: Sequence[Subject],
    phases: Sequence[str],
    num_slices: int = 32,
    num_subjects: int = 8,
    exact_ends: bool = False,
    repaired: bool = True,
    progress: bool = False,
) -> list[Subject]:
    """Synthesise one subject anew (the intrasubject job), or two and those between (the intersubject job).

    Args:
        models: a bundle's.
        ends: subject A, or A and B.
        phases: of `"ED"` and `"ES"`; every end has them.
        num_slices: of each synthetic stack.
        num_subjects: between A and B.
        exact_ends: whether interpolations pass through the true labels.
        repaired: whether implausible labels are repaired.
        progress: whether to show a progress bar.

    Returns:
        the intrasubject versions of the ends, then the subjects from A to B.

    Raises:
        CmrtfError: fewer than two slices of a stack are labelled or wanted, no subject is, or too many are.
    """
    require_whole("num_slices", num_slices, 2, MAX_SLICES)
    require_whole("num_subjects", num_subjects, 1, MAX_BETWEEN)
    # The intrasubject job is the interpolation from a subject to itself.
    names: list[tuple[str, Kind, float]] = [
        (end.name, "intrasubject", float(i)) for i, end in enumerate(ends)
    ]
    places = [(i, i, 0.0) for i in range(len(ends))]
    if len(ends) == 2:
        for number, weight in enumerate(interpolation_weights(num_subjects), start=1):
            names.append((f"inter_{number:02d}", "intersubject", weight))
            places.append((0, 1, weight))
    stacks: list[dict[str, Stack]] = [{} for _ in names]
    for phase in phases:
        encoded = encode_ends(models, ends, phase, exact_ends)
        for number, (start, end, weight) in enumerate(
            progress_bar(places, phase, unit="stack", disable=not progress)
        ):
            stacks[number][phase] = stack_between(
                models, encoded[start], encoded[end], weight, num_slices, repaired
            )
    return [
        Subject(name, kind, own, weight=weight)
        for (name, kind, weight), own in zip(names, stacks, strict=True)
    ]


def common_phases(subjects: Sequence[Subject], phases: Sequence[str] = PHASES) -> list[str]:
    """Those of `phases` that all subjects have.

    Raises:
        CmrtfError: there is none, or `phases` names another, or one twice.
    """
    require_texts("phases", phases)
    if not phases or not set(phases) <= set(PHASES) or len(set(phases)) < len(phases):
        raise CmrtfError(f"phases: expected {' or '.join(PHASES)}, or both. Received: {phases!r}.")
    common = [phase for phase in PHASES if phase in phases and all(phase in s.stacks for s in subjects)]
    if not common:
        having = "; ".join(f"{subject.name} has {', '.join(subject.phases)}" for subject in subjects)
        raise CmrtfError(f"expected phase {' or '.join(phases)} of every subject. Received: {having}.")
    return common


def interpolation_weights(num_subjects: int) -> list[float]:
    """Weights of the subjects between A (0) and B (1), evenly spaced, both ends left out.

    Example:
        >>> interpolation_weights(3)
        [0.25, 0.5, 0.75]
    """
    return [k / (num_subjects + 1) for k in range(1, num_subjects + 1)]


def stack_between(
    models: Models,
    start: EncodedStack,
    end: EncodedStack,
    weight: float,
    num_slices: int,
    repaired: bool = True,
) -> Stack:
    """The stack at `weight` on the straight line between two: labels, then an image of them.

    What either end leaves open in some slice is unknown in all slices of the new stack.

    Args:
        models: a bundle's.
        start: at weight 0.
        end: at weight 1.
        weight: the place on the line.
        num_slices: of the new stack.
        repaired: whether implausible labels are repaired before the image is made.
    """
    label_ids = decode_labels_between(models, start, end, weight, num_slices, repaired)
    low, high = (
        between(a, b, weight)
        for a, b in zip(start.stack.intensity_window, end.stack.intensity_window, strict=True)
    )
    return Stack(
        synthesize_between(models, start, end, weight, label_ids),
        label_ids,
        geometry_between(start.stack.geometry, end.stack.geometry, weight, num_slices),
        (low, high),
        _unknown_between(start.stack, end.stack, num_slices),
    )


def decode_labels_between(
    models: Models,
    start: EncodedStack,
    end: EncodedStack,
    weight: float,
    num_slices: int,
    repaired: bool = True,
) -> NDArray[np.uint8]:
    """Labels at `weight` on the straight line between two stacks.

    A slice of the new stack takes the codes of the same place along the heart in both, apex to apex
    and base to base, where it has one; beyond the labelled part it shows no heart. Where the heart lies
    and how it is turned is not in the codes and changes by itself. What the decoder misses of the ends, if
    it is known, is interpolated like the codes and added.

    Args: as of `stack_between`.

    Returns:
        label ids, `(num_slices, size, size)`.
    """
    positions = np.linspace(0.0, 1.0, num_slices)
    span = start.span.towards(end.span, weight)
    has_heart = span.contains(positions)
    # Where a label reaches beyond its slice, the shape is that of the slice.
    places = np.clip(positions, span.first, span.last)[has_heart]
    at_start, at_end = _same_places(start, end, weight, places)
    codes = between(
        codes_at(start.label_codes, at_start), codes_at(end.label_codes, at_end), np.float32(weight)
    )
    place = landmarks_between(start.landmarks, end.landmarks, weight)
    decoded = move(models.decode(codes), start.pose_at(place))
    if start.label_residuals is not None and end.label_residuals is not None:
        missed = start.residuals_at(at_start, place), end.residuals_at(at_end, place)
        decoded = add_residuals(decoded, between(*missed, np.float32(weight)))
    label_ids = np.zeros((num_slices, *decoded.shape[1:]), np.uint8)
    # Around a myocardium that is unknown no ring can be closed.
    is_repairable = start.stack.knows("MYO") and end.stack.knows("MYO")
    label_ids[has_heart] = repair(decoded) if repaired and is_repairable else decoded
    return label_ids


def synthesize_between(
    models: Models, start: EncodedStack, end: EncodedStack, weight: float, label_ids: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Images of a stack at `weight` between two others, in the style of that place.

    Styles go on changing where labels reach beyond their slice.

    Returns:
        images of the shape of `label_ids`.
    """
    at_start, at_end = _same_places(start, end, weight, np.linspace(0.0, 1.0, len(label_ids)))
    styles = between(
        codes_at(start.style_codes, at_start), codes_at(end.style_codes, at_end), np.float32(weight)
    )
    return models.synthesize(label_ids, styles)


def geometry_between(start: Geometry, end: Geometry, weight: float, num_slices: int) -> Geometry:
    """Where a stack at `weight` stands: at the start's middle, with its directions.

    Two subjects lie in two scanners' coordinates, so a point between their positions means nothing;
    only the slice spacing is interpolated.
    """
    own, other = (geometry.with_slices(num_slices) for geometry in (start, end))
    factor = between(own.spacing_mm[2], other.spacing_mm[2], weight) / own.spacing_mm[2]
    about_middle = np.eye(4)
    about_middle[2, 2] = factor
    about_middle[2, 3] = (1.0 - factor) * (num_slices - 1) / 2
    return Geometry.of(own.affine @ about_middle, own.shape)


def _unknown_between(start: Stack, end: Stack, num_slices: int) -> Unknown:
    """What is unknown of every slice, since it is of some slice of an end."""
    unknown = [name for name in SCHEMA.foreground if not (start.knows(name) and end.knows(name))]
    return from_slices(dict.fromkeys(unknown, range(num_slices)), num_slices)


def _same_places(
    start: EncodedStack, end: EncodedStack, weight: float, positions: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where in both stacks the places lie that positions of the new stack have along the heart."""
    span = start.span.towards(end.span, weight)
    return span.carry_over(positions, to=start.span), span.carry_over(positions, to=end.span)
