"""A stack between two others: labels of codes half way, or any part of it, and an image of these labels.

What is done is linear in codes; where a heart lies and how it is turned goes its own way.
"""

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.geometry import Geometry
from cmrtf.core.labels import SCHEMA
from cmrtf.core.stack import Stack
from cmrtf.core.unknown import Unknown, from_slices
from cmrtf.shape.plausibility import repair
from cmrtf.shape.pose import landmarks_between, move
from cmrtf.shape.signed_distance import add_residuals
from cmrtf.synthesis.encoded_stack import EncodedStack
from cmrtf.synthesis.heart_axis import between, codes_at
from cmrtf.synthesis.protocols import Models


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
        unknown_between(start.stack, end.stack, num_slices),
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
    label_ids = np.zeros((num_slices, *start.stack.label_ids.shape[1:]), np.uint8)
    if not has_heart.any():  # of two slices both may miss it
        return label_ids
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
    return models.synthesize(label_ids, styles_between(start, end, weight, len(label_ids)))


def styles_between(
    start: EncodedStack, end: EncodedStack, weight: float, num_slices: int
) -> NDArray[np.float32]:
    """Style codes of the slices of a stack at `weight` between two others, `(num_slices, style_dim)`."""
    at_start, at_end = _same_places(start, end, weight, np.linspace(0.0, 1.0, num_slices))
    codes: NDArray[np.float32] = between(
        codes_at(start.style_codes, at_start), codes_at(end.style_codes, at_end), np.float32(weight)
    )
    return codes


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


def unknown_between(start: Stack, end: Stack, num_slices: int) -> Unknown:
    """What is unknown of every slice of a stack between two, since it is of some slice of either."""
    unknown = [name for name in SCHEMA.foreground if not (start.knows(name) and end.knows(name))]
    return from_slices(dict.fromkeys(unknown, range(num_slices)), num_slices)


def _same_places(
    start: EncodedStack, end: EncodedStack, weight: float, positions: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where in both stacks the places lie that positions of the new stack have along the heart."""
    span = start.span.towards(end.span, weight)
    return span.carry_over(positions, to=start.span), span.carry_over(positions, to=end.span)
