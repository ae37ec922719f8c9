"""Deformities: what hearts show that were moved too far, and real ones never.

Repair gives the hearts of a decoder the topology that `cmrtf.shape.plausibility` checks. Where one is asked
for beyond those that it knows, the RV is torn off, the outline of the left ventricle dented, or its wall a
single pixel. None of 916 labelled slices of 50 ACDC patients shows any of it: outlines are .88 solid at
least, and a quarter of a wall at most is one pixel thick.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull

from cmrtf.core.labels import SCHEMA

LV, MYO, RV = (SCHEMA.id_of(structure) for structure in ("LV", "MYO", "RV"))

LEAST_SOLIDITY: Final = 0.87
"""Of LV and myocardium together, the share of their convex hull that they fill."""

THIN_SHARE: Final = 0.5
"""Of the pixels of the wall beside the cavity that are all of the wall there is, at most."""

FEWEST_PIXELS: Final = 12
"""Of an outline that can have a dent."""

ALL_NEIGHBOURS = np.ones((3, 3), np.bool_)


@dataclass(frozen=True)
class Deformities:
    """How many slices of a heart are deformed, and how.

    Args:
        labelled: slices with a heart.
        deformed: those with any deformity.
        rv_apart: whose RV does not touch the left ventricle.
        dented: whose left ventricle has a dented outline.
        thin: whose wall is mostly one pixel thick.
    """

    labelled: int
    deformed: int
    rv_apart: int
    dented: int
    thin: int

    @classmethod
    def count(cls, stacks: Iterable[NDArray[Any]]) -> "Deformities":
        """Of all phases of a heart, `(slices, height, width)` label ids each."""
        slices = [label_ids for stack in stacks for label_ids in stack if label_ids.any()]
        found = np.array([_deformities(label_ids) for label_ids in slices], np.bool_).reshape(-1, 3)
        rv_apart, dented, thin = np.count_nonzero(found, axis=0).tolist()
        return cls(len(slices), int(np.count_nonzero(found.any(axis=1))), rv_apart, dented, thin)

    def __str__(self) -> str:
        kinds = {
            "RV apart from the myocardium": self.rv_apart,
            "dented left ventricle": self.dented,
            "wall of one pixel": self.thin,
        }
        details = ", ".join(f"{kind} in {count}" for kind, count in kinds.items() if count)
        return f"{self.deformed} of {self.labelled} slices deformed ({details or 'none'})"


def _deformities(label_ids: NDArray[Any]) -> tuple[bool, bool, bool]:
    """Whether the RV is apart, the left ventricle dented, its wall thin."""
    cavity, wall, rv = (label_ids == structure for structure in (LV, MYO, RV))
    left = cavity | wall
    is_apart = bool(
        left.any() and rv.any() and not (ndimage.binary_dilation(left, ALL_NEIGHBOURS) & rv).any()
    )
    inner = wall & ndimage.binary_dilation(cavity, ALL_NEIGHBOURS)
    single = inner & ndimage.binary_dilation(~left)
    is_thin = np.count_nonzero(single) > THIN_SHARE * np.count_nonzero(inner)
    return is_apart, _solidity(left) < LEAST_SOLIDITY, bool(is_thin)


def _solidity(mask: NDArray[np.bool_]) -> float:
    """The share of its convex hull that a mask fills."""
    pixels = np.argwhere(mask)
    if len(pixels) < FEWEST_PIXELS:
        return 1.0
    corners = np.concatenate([pixels + corner for corner in ((0, 0), (0, 1), (1, 0), (1, 1))])
    return len(pixels) / float(ConvexHull(corners).volume)  # of two dimensions, volume is area
