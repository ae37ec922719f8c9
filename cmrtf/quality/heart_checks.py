"""Whether labels show a heart: which structure and which end is which, and how large it is.

The LV cavity lies within the myocardium, in every slice but for the valve plane and gaps of a few
pixels. No other structure lies within another: the RV touches the myocardium on one side. So the
order of labels can be told from the labels, whatever their numbers are.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cmrtf.core.geometry import Geometry, bounding_box, spacing_mm
from cmrtf.core.issues import ERROR, WARNING, Issue
from cmrtf.core.labels import SCHEMA
from cmrtf.core.preparation import SIZE, SPACING_MM, crop_geometry, is_cut, to_nifti_order
from cmrtf.core.stack import Stack
from cmrtf.quality.checked_subject import CheckedSubject
from cmrtf.quality.label_checks import named_slices
from cmrtf.quality.slice_order import slice_order

LV, MYO = SCHEMA.id_of("LV"), SCHEMA.id_of("MYO")

IN_PLANE_NEIGHBOURS = ndimage.generate_binary_structure(2, 1)[None]

ENCLOSED_SHARE = 0.7
"""Of the pixels around a structure, how many belong to the one that encloses it."""

ENCLOSED_SHARE_OF_SLICE = 0.5
"""The same of the LV in one slice, where the valve plane may leave it open: of 50 ACDC patients none has less
than 0.8 of its LV's surroundings in the myocardium, in any slice with both."""

HEART_RANGE_MM = (30.0, 250.0)
"""A labelled heart, both ventricles, that is smaller or larger in any direction has a wrong spacing: of 50
ACDC patients none is smaller than 60 mm."""


def check_label_order(subject: CheckedSubject) -> CheckedSubject:
    """Check that the label that is enclosed is the LV's, in every phase, and then in every slice.

    In all of them it is the data set's order, an error; in some it is a slip, a warning.
    """
    values = {label_id: value for value, label_id in subject.raw.label_to_schema.items()}
    issues = [
        Issue(ERROR, subject.raw.phases[phase].label, problem)
        for phase, stack in subject.stacks.items()
        for problem in label_order_problems(stack.label_ids, values)
    ] or [
        Issue(WARNING, subject.raw.phases[phase].label, problem)
        for phase, stack in subject.stacks.items()
        for problem in _open_problems(phase, stack)
    ]
    return replace(subject, issues=(*subject.issues, *issues))


def check_heart(subject: CheckedSubject) -> CheckedSubject:
    """Check apex and base and the size of the heart, and lay the prepared grid around it.

    Warnings only: a stack that runs from base to apex will be turned round.
    """
    stacks = subject.stacks
    image = next(iter(subject.raw.phases.values())).image
    affine = next(iter(stacks.values())).affine
    heart = to_nifti_order(np.any([stack.label_ids > 0 for stack in stacks.values()], axis=0))
    near = bounding_box(heart)[:2]
    labels = [to_nifti_order(stack.label_ids)[near] for stack in stacks.values()]
    order = slice_order(labels, affine, subject.raw)
    geometry = crop_geometry(heart, affine, stack_flipped=order.is_base_first)
    problems = (*order.problems, *_size_problems(heart, geometry))
    issues = (*subject.issues, *(Issue(WARNING, image, problem) for problem in problems))
    return replace(subject, issues=issues, geometry=geometry, is_order_in_doubt=order.is_in_doubt)


def label_order_problems(label_ids: NDArray[np.uint8], values: Mapping[int, int]) -> list[str]:
    """The structure that is enclosed in place of the LV, if one is.

    Args:
        label_ids: `(slices, height, width)`, in the order in which the reader takes them to be.
        values: label id to label value in the file.
    """
    shares = _enclosure(label_ids)
    if not shares or shares.get((LV, MYO), 0.0) >= ENCLOSED_SHARE:
        return []
    (inner, outer), share = max(shares.items(), key=lambda item: item[1])
    if share < ENCLOSED_SHARE:
        return []
    return [
        f"expected LV ({values[LV]}) within myocardium ({values[MYO]}). Received: {values[inner]} within "
        f"{values[outer]}, so the labels are in the order of another data set."
    ]


def _open_problems(phase: str, stack: Stack) -> list[str]:
    """Slices whose LV does not lie within the myocardium, where both are there and known."""
    label_ids = stack.label_ids
    known = np.ones(len(label_ids), np.bool_) if stack.unknown is None else ~stack.unknown[:, MYO]
    both = known & (label_ids == LV).any(axis=(1, 2)) & (label_ids == MYO).any(axis=(1, 2))
    is_open = [
        z
        for z in np.flatnonzero(both).tolist()
        if _enclosure(label_ids[z : z + 1])[LV, MYO] < ENCLOSED_SHARE_OF_SLICE
    ]
    problem = (
        f"expected LV within myocardium in all slices at {phase}. Received: an LV that has less than half of "
        f"it around in {named_slices(is_open)}; look whether structures are exchanged there"
    )
    return [problem] if is_open else []


def _enclosure(label_ids: NDArray[np.uint8]) -> dict[tuple[int, int], float]:
    """Of the in-plane neighbours of each structure, the share that belongs to each other structure."""
    near = np.pad(label_ids[bounding_box(label_ids > 0)], ((0, 0), (1, 1), (1, 1)))
    shares = {}
    for inner in range(1, SCHEMA.num_classes):
        mask = near == inner
        around = near[ndimage.binary_dilation(mask, IN_PLANE_NEIGHBOURS) & ~mask]
        for outer in set(range(1, SCHEMA.num_classes)) - {inner}:
            if around.size:
                shares[inner, outer] = float(np.mean(around == outer))
    return shares


def _size_problems(heart: NDArray[np.bool_], geometry: Geometry) -> list[str]:
    """A heart that is no heart in millimetres, or that the crop cuts into.

    Args:
        heart: `(x, y, z)`, where any phase has a label.
        geometry: of the prepared stacks.
    """
    spacing = spacing_mm(geometry.source_affine)
    spans_mm = [(at.stop - at.start) * mm for at, mm in zip(bounding_box(heart), spacing, strict=True)]
    spans = " x ".join(f"{span:.0f}" for span in spans_mm)
    if not all(HEART_RANGE_MM[0] <= span <= HEART_RANGE_MM[1] for span in spans_mm):
        return [f"the labelled heart spans {spans} mm; look whether the voxel spacing in the file is right"]
    if is_cut(heart, geometry):
        size = SIZE * SPACING_MM
        return [f"the labelled heart spans {spans} mm, more than the {size:.0f} mm that are kept: it is cut"]
    return []
