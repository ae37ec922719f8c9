"""Whether two phases are two, of one heart, and which of them is end-diastole."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.issues import ERROR, WARNING, Issue
from cmrtf.core.labels import PHASES, SCHEMA
from cmrtf.core.stack import Stack
from cmrtf.datasets.base import PhaseFiles
from cmrtf.quality.checked_subject import CheckedSubject
from cmrtf.shape.pose import landmarks

Value = TypeVar("Value")

SWAPPED_RATIO = 1.1
"""LV volume at ES over that at ED beyond which the two are swapped; contours of a heart that hardly
contracts differ by some percent."""

SAME = 2e-3
"""Of the range of a slice; a picture that was stored twice, in 8 bits once, differs by no more."""

POSSIBLE_RATIO = 8.0
"""Beyond this no heart contracts (an ejection fraction of 88 %): labels are missing."""


TURNED_DEGREES = 45.0, 90.0
"""From ED to ES, of the direction from the LV to the RV: a warning, an error. Of 50 ACDC patients none has
more than 15.5."""

MOVED_MM = 25.0
"""From ED to ES, of the LV's centre within its slices. Of 50 ACDC patients none has more than 9.5."""

POSSIBLE_ED_ML = 20, 600
"""LV at end diastole. Small ventricles of adults hold 50 ml, the largest dilated ones 500."""


def check_phases(subject: CheckedSubject) -> CheckedSubject:
    """Check ED against ES: errors when they are one picture or no heart can be both; exchanged if swapped.

    A size that no adult's heart has is a warning, and so is a heart that lies elsewhere at ES.
    """
    raw, stacks = subject.raw, subject.stacks
    if not set(PHASES) <= set(stacks):
        return subject
    issues = _same_issues(raw.phases, stacks) or _swapped_issues(raw.phases["ED"].image, stacks)
    if [issue.level for issue in issues] == [WARNING]:
        raw, stacks = replace(raw, phases=_exchanged(raw.phases)), _exchanged(stacks)
    issues += _size_issues(raw.phases["ED"].label, stacks["ED"])
    issues += _place_issues(raw.phases["ES"].label, stacks)
    return replace(subject, issues=(*subject.issues, *issues), raw=raw, stacks=stacks)


def _same_issues(phases: Mapping[str, PhaseFiles], stacks: Mapping[str, Stack]) -> list[Issue]:
    """Errors for an image or a label that is there twice."""
    ed, es = (stacks[phase] for phase in PHASES)
    issues = []
    if all(map(_is_same_picture, ed.image, es.image)):
        problem = "expected another image at ES than at ED. Received: one picture for both."
        issues.append(Issue(ERROR, phases["ES"].image, problem))
    if np.array_equal(ed.label_ids, es.label_ids):
        problem = "expected another label at ES than at ED. Received: the same voxels."
        issues.append(Issue(ERROR, phases["ES"].label, problem))
    return issues


def _is_same_picture(first: NDArray[Any], second: NDArray[Any]) -> bool:
    """Whether two slices differ in their scale at most."""
    first, second = (np.subtract(image, image.min(), dtype=np.float64) for image in (first, second))
    return np.allclose(first / (first.max() or 1.0), second / (second.max() or 1.0), rtol=0.0, atol=SAME)


def _swapped_issues(ed_image: Path, stacks: Mapping[str, Stack]) -> list[Issue]:
    """A warning when the LV is clearly larger at ES than at ED, an error when neither can be ED."""
    ed, es = (stacks[phase].areas_mm2("LV") for phase in PHASES)
    if es.sum() <= SWAPPED_RATIO * ed.sum():
        return []
    ed_ml, es_ml = (stacks[phase].volume_ml("LV") for phase in PHASES)
    expected = f"expected an LV that is larger at ED than at ES. Received: {ed_ml:.0f} and {es_ml:.0f} ml"
    # Slices whose LV is missing at ED make ES the larger one too, but not in the slices that have both.
    both = (ed > 0) & (es > 0)
    if es[both].sum() > SWAPPED_RATIO * ed[both].sum() and es.sum() < POSSIBLE_RATIO * ed.sum():
        return [Issue(WARNING, ed_image, f"{expected}; the two phases are exchanged")]
    return [Issue(ERROR, ed_image, f"{expected}, as if LV labels were missing at ED.")]


def _size_issues(ed_label: Path, ed: Stack) -> list[Issue]:
    """A warning for an LV of a size that no adult's has, which is often a spacing in another unit."""
    low, high = POSSIBLE_ED_ML
    ed_ml = ed.volume_ml("LV")
    if low <= ed_ml <= high:
        return []
    problem = f"expected an LV of {low} to {high} ml at ED, as adults have. Received: {ed_ml:.0f} ml"
    return [Issue(WARNING, ed_label, f"{problem}; look whether the voxel size is right.")]


def _place_issues(es_label: Path, stacks: Mapping[str, Stack]) -> list[Issue]:
    """ED and ES that are not one heart: the RV on another side of the LV, or the LV in another place."""
    ed, es = (stacks[phase] for phase in PHASES)
    warned, refused = TURNED_DEGREES
    degrees, moved_mm = _turned_degrees(ed, es), _moved_mm(ed, es)
    if degrees > refused:
        expected = "expected the RV on one side of the LV at ED and ES"
        problem = f"{expected}. Received: {degrees:.0f} degrees apart, as of two hearts or a turned image."
        return [Issue(ERROR, es_label, problem)]
    if degrees < warned and moved_mm < MOVED_MM:
        return []
    problem = (
        f"expected one heart in one place at ED and ES. Received: an RV that is {degrees:.0f} degrees "
        f"further round the LV, and an LV {moved_mm:.0f} mm away; look whether both are of one scan"
    )
    return [Issue(WARNING, es_label, problem)]


def _turned_degrees(ed: Stack, es: Stack) -> float:
    """Angle between the directions from LV to RV, in millimetres; 0 where a phase does not show both."""
    marks = [landmarks(stack.label_ids) for stack in (ed, es)]
    directions = [(mark[1] - mark[0]) * _pixel_mm(ed) for mark in marks if mark is not None]
    lengths = [float(np.linalg.norm(direction)) for direction in directions]
    if len(directions) < len(marks) or not all(lengths):
        return 0.0
    cosine = float(directions[0] @ directions[1]) / (lengths[0] * lengths[1])
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def _moved_mm(ed: Stack, es: Stack) -> float:
    """Distance within the slices between the LV's centres, in the slices that show it in both phases."""
    masks = [stack.label_ids == SCHEMA.id_of("LV") for stack in (ed, es)]
    both = np.logical_and(*(mask.any(axis=(1, 2)) for mask in masks))
    if not both.any():
        return 0.0
    first, second = (np.argwhere(mask[both])[:, 1:].mean(axis=0) for mask in masks)
    return float(np.linalg.norm((first - second) * _pixel_mm(ed)))


def _pixel_mm(stack: Stack) -> NDArray[np.float64]:
    """`(2,)`: millimetres from row to row and from column to column."""
    x, y, _ = stack.spacing_mm
    return np.array([y, x])


def _exchanged(phases: Mapping[str, Value]) -> dict[str, Value]:
    """ED for ES and ES for ED."""
    return {"ED": phases["ES"], "ES": phases["ED"]}
