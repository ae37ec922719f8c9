"""Whether every slice of an image shows what its labels say, not only the stack as a whole.

Nothing here raises: what is wrong becomes an issue. Only slices that have labels count.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.issues import ERROR, WARNING, Issue
from cmrtf.core.labels import SCHEMA
from cmrtf.core.stack import Stack
from cmrtf.quality.checked_subject import CheckedSubject
from cmrtf.quality.label_checks import named_slices

LV, MYO, RV = (SCHEMA.id_of(structure) for structure in ("LV", "MYO", "RV"))

BLOOD_CONTRAST = 0.2
"""How much brighter blood is than muscle, at least, in standard deviations of both. Of 50 ACDC patients none
has less than 1.3 in the LV, 0.38 in the RV, and no slice less than 0.6 in the LV."""

FEW_PIXELS = 20
"""Of a structure in a slice: fewer say nothing of its brightness."""

BRIGHTER = 4.0
"""Times as bright as half of the slices, by their means above the stack's lowest value. Of 50 ACDC patients
no slice has more than 1.4. The heart alone says less: inflowing blood is 3.3 times as bright at an apex."""

TURN_DEGREES = 60.0
"""From a slice to the next, of the direction from the LV to the RV. Of 50 ACDC patients none has more than 27
where the RV has `RV_MM2`."""

RV_MM2 = 135.0
"""Of the RV in a slice: less of it, near the apex, says nothing of its side."""


def check_slices(subject: CheckedSubject) -> CheckedSubject:
    """Check the labelled slices of each image: an error where one is no picture, warnings otherwise."""
    issues = [
        issue
        for phase, stack in subject.stacks.items()
        if subject.raw.phases[phase].has_image
        for issue in _stack_issues(subject.raw.phases[phase].image, phase, stack)
    ]
    return replace(subject, issues=(*subject.issues, *issues))


def _stack_issues(path: Path, phase: str, stack: Stack) -> list[Issue]:
    labelled = np.flatnonzero(stack.has_heart)
    flat = [z for z in labelled.tolist() if stack.image[z].min() == stack.image[z].max()]
    if flat:
        problem = f"expected a picture in all slices with labels at {phase}. Received: one value in all of"
        return [Issue(ERROR, path, f"{problem} {named_slices(flat)}.")]
    problems = (
        *_copy_problems(phase, stack, labelled),
        *_brightness_problems(phase, stack, labelled),
        *_contrast_problems(phase, stack, labelled),
        *_turn_problems(phase, stack),
    )
    return [Issue(WARNING, path, problem) for problem in problems]


def _copy_problems(phase: str, stack: Stack, labelled: NDArray[np.intp]) -> list[str]:
    """Slices whose pixels are those of the slice after them."""
    pairs = np.flatnonzero(
        [np.array_equal(*pair) for pair in zip(stack.image, stack.image[1:], strict=False)]
    )
    copies = sorted(({*pairs.tolist()} | {*(pairs + 1).tolist()}) & {*labelled.tolist()})
    expected = f"expected another picture in each slice at {phase}"
    return [f"{expected}. Received: the pixels of a neighbour in {named_slices(copies)}"] if copies else []


def _brightness_problems(phase: str, stack: Stack, labelled: NDArray[np.intp]) -> list[str]:
    """Slices that are much brighter than the others."""
    brightness = stack.image[labelled].mean(axis=(1, 2), dtype=np.float64) - float(stack.image.min())
    found = labelled[brightness > BRIGHTER * np.median(brightness)].tolist()
    problem = (
        f"expected slices of about one brightness at {phase}. Received: {named_slices(found)} more than "
        f"{BRIGHTER:g} times as bright as the others"
    )
    return [problem] if found else []


def _contrast_problems(phase: str, stack: Stack, labelled: NDArray[np.intp]) -> list[str]:
    """Cavities whose blood is not brighter than muscle, as it is in every cine of balanced SSFP.

    Where the LV is in the stack as a whole, single slices are looked at.
    """
    muscle = stack.image[stack.label_ids == MYO]
    problems = []
    for name in ("LV", "RV"):
        blood = stack.image[stack.label_ids == SCHEMA.id_of(name)]
        if blood.size and muscle.size and not _is_brighter(blood, muscle):
            problems.append(
                f"expected {name} brighter than the myocardium at {phase}. Received: {blood.mean():.4g} and "
                f"{muscle.mean():.4g} on average; look whether the labels lie on the heart, and whether the "
                f"image is inverted"
            )
    if not problems and (dark := [z for z in labelled.tolist() if _is_dark(stack, z)]):
        problems.append(
            f"expected LV brighter than the myocardium in all slices at {phase}. Received: another contrast "
            f"in {named_slices(dark)}; look whether image and labels are of one slice"
        )
    return problems


def _is_dark(stack: Stack, z: int) -> bool:
    """Whether a slice has an LV that is not brighter than its myocardium, both large enough to tell."""
    blood, muscle = (stack.image[z][stack.label_ids[z] == structure] for structure in (LV, MYO))
    return min(blood.size, muscle.size) > FEW_PIXELS and not _is_brighter(blood, muscle)


def _is_brighter(blood: NDArray[Any], muscle: NDArray[Any]) -> bool:
    """Whether blood is brighter than muscle, by more than they vary."""
    blood, muscle = blood.astype(np.float64), muscle.astype(np.float64)
    spread = np.sqrt((blood.var() + muscle.var()) / 2)
    return bool(blood.mean() - muscle.mean() > BLOOD_CONTRAST * spread)


def _turn_problems(phase: str, stack: Stack) -> list[str]:
    """Neighbouring slices whose RVs lie on different sides of the LV: one of them is turned or mirrored."""
    directions = np.array([_direction(slice_ids) for slice_ids in stack.label_ids])
    tells = (directions != 0.0) & (stack.areas_mm2("RV") >= RV_MM2)
    turns = np.abs(np.angle(directions[1:] * directions[:-1].conj(), deg=True))
    pairs = np.flatnonzero(tells[1:] & tells[:-1] & (turns > TURN_DEGREES))
    turned = sorted({*pairs.tolist(), *(pairs + 1).tolist()})
    expected = f"expected the RV on one side of the LV in all slices at {phase}"
    problem = (
        f"{expected}. Received: another side from one to the next of {named_slices(turned)}; look whether"
    )
    return [f"{problem} one is turned or mirrored"] if turned else []


def _direction(label_ids: NDArray[np.uint8]) -> complex:
    """From the LV to the RV, rows being imaginary; 0 where one of them is not there."""
    lv, rv = (np.argwhere(label_ids == structure) for structure in (LV, RV))
    if not (len(lv) and len(rv)):
        return 0.0
    row, column = rv.mean(axis=0) - lv.mean(axis=0)
    return complex(column, row)
