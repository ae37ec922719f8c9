"""Structures that a source does not label: where they are is unknown, which is not the same as nowhere.

What is unknown of a stack is an array `(slices, classes)`, True where the source does not say whether a
slice shows a structure: its pixels may be among those labelled background. None stands for a source that
always says.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.labels import SCHEMA

Unknown = NDArray[np.bool_] | None


def unknown_or_none(unknown: NDArray[np.bool_]) -> Unknown:
    """The array, or None where it says nothing."""
    return unknown if unknown.any() else None


def concatenated(stacks: Sequence[tuple[Unknown, int]]) -> Unknown:
    """What is unknown of the slices of several stacks, one stack after another.

    Args:
        stacks: what is unknown of each, and how many slices it has.
    """
    if all(unknown is None for unknown, _ in stacks):
        return None
    nothing = np.zeros((1, SCHEMA.num_classes), np.bool_)
    return np.concatenate(
        [np.repeat(nothing, count, axis=0) if unknown is None else unknown for unknown, count in stacks]
    )


def slices_by_structure(unknown: Unknown) -> dict[str, list[int]]:
    """The slices of each structure that is unknown in some, for JSON."""
    if unknown is None:
        return {}
    return {
        structure: np.flatnonzero(unknown[:, SCHEMA.id_of(structure)]).tolist()
        for structure in SCHEMA.foreground
        if unknown[:, SCHEMA.id_of(structure)].any()
    }


def from_slices(slices: Mapping[str, Sequence[int]], num_slices: int) -> Unknown:
    """Inverse of `slices_by_structure`."""
    unknown = np.zeros((num_slices, SCHEMA.num_classes), np.bool_)
    for structure, numbers in slices.items():
        unknown[list(numbers), SCHEMA.id_of(structure)] = True
    return unknown_or_none(unknown)
