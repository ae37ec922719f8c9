"""Label maps that no heart can have: counted, and mended.

Short-axis anatomy in one slice: the LV cavity is one piece without holes and is enclosed by the
myocardium, and the RV is one piece without holes. After Painchaud et al., *Cardiac segmentation with
strong anatomical guarantees*, IEEE TMI 2020; 39:3703, without their criteria of size and curvature.
Annotators break these rules too, above all at the base, where the myocardium opens: numbers of
synthetic labels mean something beside those of real ones only.

Pieces are 8-connected and what is around them 4-connected, as digital topology demands of an outline:
a ring of pixels that touch at corners is closed.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cmrtf.core.labels import SCHEMA

LV, MYO, RV = (SCHEMA.id_of(structure) for structure in ("LV", "MYO", "RV"))

ALL_NEIGHBOURS = np.ones((3, 3), np.bool_)


@dataclass(frozen=True)
class SliceFaults:
    """What is wrong in one slice.

    Args:
        extra_components: pieces of each structure beyond the first, specks of one pixel included.
        holes: regions that each structure encloses; those of MYO are regions inside its outer outline
            that are neither MYO nor LV (nor inside the LV), such as a crevice between the two.
        exposed_lv_pixels: LV pixels with background, RV or the border of the image beside them.
        ring_open: the LV is connected with the border of the image around the myocardium or through a
            gap in it. Also true of an LV without myocardium.
        without_lv: which of MYO and RV are there without an LV. A slice through the apical wall or the RV
            outflow tract may look so: it is counted, but it is no fault.
    """

    extra_components: dict[str, int]
    holes: dict[str, int]
    exposed_lv_pixels: int
    ring_open: bool
    without_lv: tuple[str, ...]

    @property
    def is_valid(self) -> bool:
        """No fault. An open ring always exposes the LV."""
        return not (any(self.extra_components.values()) or any(self.holes.values()) or self.exposed_lv_pixels)


@dataclass(frozen=True)
class VolumeFaults:
    """What is wrong in a stack.

    Args:
        slices: the faults of each slice.
        gaps: how often each structure ends and starts again further along the stack.
        detached: pieces of each structure beyond the first in 3-D, corners connecting. Counted, but no
            fault: slices are far apart, so the rings of a steeply tapering heart need not overlap.
    """

    slices: tuple[SliceFaults, ...]
    gaps: dict[str, int]
    detached: dict[str, int]

    @property
    def is_valid(self) -> bool:
        """No fault in any slice, and no gap."""
        return all(each.is_valid for each in self.slices) and not any(self.gaps.values())


def slice_faults(label_ids: NDArray[Any]) -> SliceFaults:
    """Examine one slice.

    Args:
        label_ids: `(height, width)` in `SCHEMA`'s order.
    """
    present = _masks(label_ids)
    outlined = present | {"MYO": present["MYO"] | _filled(present["LV"])}
    return SliceFaults(
        extra_components={structure: _extra_pieces(mask) for structure, mask in present.items()},
        holes={structure: _num_holes(mask) for structure, mask in outlined.items()},
        exposed_lv_pixels=int(_exposed_lv(label_ids).sum()),
        ring_open=_reaches_border(present["LV"], around=present["MYO"]),
        without_lv=tuple(
            structure for structure in ("MYO", "RV") if present[structure].any() and not present["LV"].any()
        ),
    )


def volume_faults(label_ids: NDArray[Any]) -> VolumeFaults:
    """Examine a stack.

    Args:
        label_ids: `(slices, height, width)` in `SCHEMA`'s order.
    """
    present = _masks(label_ids)
    return VolumeFaults(
        slices=tuple(slice_faults(each) for each in label_ids),
        gaps={structure: _extra_pieces(np.any(mask, axis=(1, 2))) for structure, mask in present.items()},
        detached={structure: _extra_pieces(mask) for structure, mask in present.items()},
    )


def repair(label_ids: NDArray[Any]) -> NDArray[np.uint8]:
    """Mend a stack so that every slice is valid; a valid slice stays as it is.

    Until nothing changes: of each structure the largest piece stays (of equals, the first in reading
    order) and the others become background; holes become LV in the LV, MYO inside the myocardium's
    outer outline, and RV in the RV; LV pixels beside background, RV or the border become MYO, which
    closes the ring. A ventricle that is all exposed can vanish. Gaps along the stack stay.

    Args:
        label_ids: `(slices, height, width)` in `SCHEMA`'s order.

    Returns:
        label ids of the same shape.
    """
    repaired = np.empty(label_ids.shape, np.uint8)
    for result, slice_ids in zip(repaired, label_ids, strict=True):
        result[:] = _repair_slice(slice_ids.astype(np.uint8))
    return repaired


def _masks(label_ids: NDArray[Any]) -> dict[str, NDArray[np.bool_]]:
    return {structure: label_ids == SCHEMA.id_of(structure) for structure in SCHEMA.foreground}


def _repair_slice(label_ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    # Ends: only the LV's edge is given away, so the LV has no new holes after the first round and does
    # not grow again. 15,000 random maps took two rounds at most.
    while True:
        repaired = _close_ring(_fill_holes(_keep_largest_pieces(label_ids)))
        if np.array_equal(repaired, label_ids):
            return repaired
        label_ids = repaired


def _keep_largest_pieces(label_ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    result = label_ids.copy()
    for label_id in (LV, MYO, RV):
        pieces, count = ndimage.label(label_ids == label_id, ALL_NEIGHBOURS)
        if count > 1:
            largest = 1 + np.bincount(pieces.flat)[1:].argmax()
            result[(pieces > 0) & (pieces != largest)] = 0
    return result


def _fill_holes(label_ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    result = label_ids.copy()
    result[_filled(result == LV)] = LV
    wall_or_cavity = (result == MYO) | (result == LV)
    result[_filled(wall_or_cavity) & ~wall_or_cavity] = MYO
    result[_filled(result == RV)] = RV
    return result


def _close_ring(label_ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.where(_exposed_lv(label_ids), np.uint8(MYO), label_ids)


def _exposed_lv(label_ids: NDArray[Any]) -> NDArray[np.bool_]:
    """LV pixels with something other than LV and MYO to the left, right, above or below."""
    lv = label_ids == LV
    sheltered = ndimage.binary_erosion(lv | (label_ids == MYO))
    return lv & ~sheltered


def _extra_pieces(mask: NDArray[np.bool_]) -> int:
    """Connected components beyond the first, in any number of dimensions, corners included."""
    _, count = ndimage.label(mask, np.ones((3,) * mask.ndim, np.bool_))
    return max(int(count) - 1, 0)


def _num_holes(mask: NDArray[np.bool_]) -> int:
    _, count = ndimage.label(_filled(mask) & ~mask)
    return int(count)


def _filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """With its holes: `ndimage.binary_fill_holes`, which dilates step by step, in a tenth of its time."""
    regions, _ = ndimage.label(~np.pad(mask, 1))
    return regions[1:-1, 1:-1] != regions[0, 0]


def _reaches_border(mask: NDArray[np.bool_], around: NDArray[np.bool_]) -> bool:
    """Whether a path of side-by-side pixels leads from the mask out of the image around an obstacle."""
    regions, _ = ndimage.label(~np.pad(around, 1))
    return bool(np.any(mask & (regions[1:-1, 1:-1] == regions[0, 0])))
