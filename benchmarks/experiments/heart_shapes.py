"""What the eye sees of a stack of labels, as numbers."""

from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from cmrtf.core.labels import SCHEMA
from cmrtf.core.preparation import SPACING_MM
from cmrtf.synthesis.quantities import QUANTITIES

LV, MYO, RV = (SCHEMA.id_of(structure) for structure in ("LV", "MYO", "RV"))
SMALLEST_PIXELS = 40
"""Slices with a smaller LV have no shape to speak of."""

Stacks = dict[str, NDArray[np.uint8]]


def slice_shapes(stacks: Stacks) -> dict[str, NDArray[np.float64]]:
    """One value per slice: how convex and how round the cavity and the outer wall are (1: entirely)."""
    slices = [ids for stack in stacks.values() for ids in stack if (ids == LV).sum() >= SMALLEST_PIXELS]
    cavity, wall = [ids == LV for ids in slices], [(ids == LV) | (ids == MYO) for ids in slices]
    return {
        "LV solidity": np.array([_solidity(mask) for mask in cavity]),
        "LV + MYO solidity": np.array([_solidity(mask) for mask in wall]),
        "LV axis ratio": np.array([_axis_ratio(mask) for mask in cavity]),
        "LV + MYO axis ratio": np.array([_axis_ratio(mask) for mask in wall]),
    }


def along_the_heart(stacks: Stacks) -> dict[str, NDArray[np.float64]]:
    """Values of neighbouring slices: overlap of each structure, and how far the LV jumps off its line."""
    overlaps: dict[str, list[float]] = {f"{name} Dice of neighbours": [] for name in SCHEMA.foreground}
    jumps = []
    for stack in stacks.values():
        for first, second in pairwise(stack):
            for name in SCHEMA.foreground:
                a, b = first == SCHEMA.id_of(name), second == SCHEMA.id_of(name)
                if a.any() and b.any():
                    overlaps[f"{name} Dice of neighbours"].append(2.0 * (a & b).sum() / (a.sum() + b.sum()))
        centres = np.array([np.argwhere(ids == LV).mean(axis=0) for ids in stack if (ids == LV).any()])
        off_line = (
            centres[1:-1] - (centres[:-2] + centres[2:]) / 2.0 if len(centres) > 2 else np.zeros((0, 2))
        )
        jumps.extend(SPACING_MM * np.linalg.norm(off_line, axis=1))
    return {name: np.array(values) for name, values in overlaps.items()} | {"LV jump, mm": np.array(jumps)}


def clinical(volumes_ml: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """One value per heart."""
    values = {f"{name}, {unit}": measure(volumes_ml) for name, (unit, measure) in QUANTITIES.items()}
    return values | {"MYO ES / ED": volumes_ml[..., 4] / volumes_ml[..., 1]}


def _solidity(mask: NDArray[np.bool_]) -> float:
    pixels = np.argwhere(mask)
    corners = np.concatenate([pixels + np.array(half) for half in product((-0.5, 0.5), repeat=2)])
    return float(mask.sum() / ConvexHull(corners).volume)


def _axis_ratio(mask: NDArray[np.bool_]) -> float:
    smaller, larger = np.linalg.eigvalsh(np.cov(np.argwhere(mask).T))
    return float(np.sqrt(smaller / larger))
