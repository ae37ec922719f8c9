"""Judges what labels show: which is which, told by who encloses whom, and which phase is which.

The LV cavity lies within the myocardium, in every slice but for the valve plane and gaps of a few
pixels. No other structure lies within another: the RV touches the myocardium on one side. So the
order of labels can be told from the labels, whatever their numbers are.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cmrtf.core.geometry import bounding_box
from cmrtf.core.issues import ERROR, WARNING, Issue
from cmrtf.core.labels import SCHEMA
from cmrtf.core.preparation import SIZE, SPACING_MM, crop_geometry, is_cut
from cmrtf.datasets.base import RawVolume
from cmrtf.shape.orientation import CERTAIN_TAPER, apical_taper

LV, MYO = SCHEMA.id_of("LV"), SCHEMA.id_of("MYO")

IN_PLANE_NEIGHBOURS = ndimage.generate_binary_structure(2, 1)[:, :, None]

ENCLOSED_SHARE = 0.7
"""Of the pixels around a structure, how many belong to the one that encloses it."""

SWAPPED_RATIO = 1.1
"""LV volume at ES over that at ED beyond which the two are swapped; contours of a heart that hardly
contracts differ by some percent."""

HEART_RANGE_MM = (20.0, 250.0)
"""A labelled heart, both ventricles, that is smaller or larger in any direction has a wrong spacing."""


def label_order_issues(
    path: Path, label_ids: NDArray[np.uint8], label_to_schema: Mapping[int, int]
) -> list[Issue]:
    """An error when another label than LV is the one that is enclosed.

    Args:
        path: the label's file.
        label_ids: `(x, y, z)` in `SCHEMA`'s order, as the reader believes.
        label_to_schema: label value in the file to label id in `SCHEMA`.
    """
    shares = _enclosure(label_ids)
    if not shares or shares.get((LV, MYO), 0.0) >= ENCLOSED_SHARE:
        return []
    (inner, outer), share = max(shares.items(), key=lambda item: item[1])
    if share < ENCLOSED_SHARE:
        return []
    value = {label_id: value for value, label_id in label_to_schema.items()}
    problem = (
        f"expected LV ({value[LV]}) within myocardium ({value[MYO]}). Received: {value[inner]} within "
        f"{value[outer]}, so the labels are in the order of another data set."
    )
    return [Issue(ERROR, path, problem)]


def are_phases_swapped(volumes: Mapping[str, RawVolume]) -> bool:
    """Whether the LV is clearly larger at ES than at ED."""
    if not {"ED", "ES"} <= set(volumes):
        return False
    ed, es = (lv_voxels(volumes[phase].label_ids) for phase in ("ED", "ES"))
    return es > SWAPPED_RATIO * ed


def lv_voxels(label_ids: NDArray[Any]) -> int:
    """Voxels of the LV cavity."""
    return int(np.count_nonzero(label_ids == LV))


def stack_issues(volumes: Mapping[str, RawVolume]) -> list[Issue]:
    """Warnings about the direction of a stack, the size of the heart, and what a crop cuts off.

    Args:
        volumes: phase to its volume; all have the same shape and affine.
    """
    first = next(iter(volumes.values()))
    labels = [volume.label_ids for volume in volumes.values()]
    heart = np.any([label_ids > 0 for label_ids in labels], axis=0)
    problems = (*_order_problems(apical_taper(labels)), *_size_problems(heart, first.affine))
    return [Issue(WARNING, first.source, problem) for problem in problems]


def _enclosure(label_ids: NDArray[np.uint8]) -> dict[tuple[int, int], float]:
    """Of the in-plane neighbours of each structure, the share that belongs to each other structure."""
    near = np.pad(label_ids[bounding_box(label_ids > 0)], ((1, 1), (1, 1), (0, 0)))
    shares = {}
    for inner in range(1, SCHEMA.num_classes):
        mask = near == inner
        around = near[ndimage.binary_dilation(mask, IN_PLANE_NEIGHBOURS) & ~mask]
        for outer in set(range(1, SCHEMA.num_classes)) - {inner}:
            if around.size:
                shares[inner, outer] = float(np.mean(around == outer))
    return shares


def _order_problems(taper: float) -> list[str]:
    """Base first, or an order of the slices that is a guess."""
    order = "base" if taper < 0 else "apex"
    if abs(taper) < CERTAIN_TAPER:
        return [f"apex and base look alike (taper {taper:+.3f}); the file was taken to be {order} first"]
    return ["the stack runs from base to apex; it is turned round"] if taper < 0 else []


def _size_problems(heart: NDArray[np.bool_], affine: NDArray[np.float64]) -> list[str]:
    """A heart that is no heart in millimetres, or that the crop cuts into."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    spans_mm = [(at.stop - at.start) * mm for at, mm in zip(bounding_box(heart), spacing, strict=True)]
    spans = " x ".join(f"{span:.0f}" for span in spans_mm)
    if not all(HEART_RANGE_MM[0] <= span <= HEART_RANGE_MM[1] for span in spans_mm):
        return [f"the labelled heart spans {spans} mm; look whether the voxel spacing in the file is right"]
    if is_cut(heart, crop_geometry(heart, affine, stack_flipped=False)):
        kept = SIZE * SPACING_MM
        return [f"the labelled heart spans {spans} mm, more than the {kept:.0f} mm that are kept: it is cut"]
    return []
