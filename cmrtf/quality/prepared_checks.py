"""Checks stacks that are handed over in memory as the labels and images of a data set are checked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from cmrtf.core.issues import ERROR, Issue, raise_errors
from cmrtf.core.label_values import label_to_schema
from cmrtf.core.preparation import SIZE, SPACING_MM, to_nifti_order
from cmrtf.core.stack import Stack
from cmrtf.datasets.base import PhaseFiles, RawSubject
from cmrtf.quality.checked_subject import CheckedSubject
from cmrtf.quality.checks import HEART_CHECKS
from cmrtf.quality.label_checks import read_label_ids

TOLERANCE: Final = 1e-3
"""How far beyond [-1, 1] an image may reach: as rounding leaves it where one was written and read again."""


def require_prepared(where: str, stacks: Mapping[str, Stack]) -> None:
    """Check that stacks are what `cmrtf prepare` could have made.

    Args:
        where: names their subject in the error.
        stacks: by phase; `""` where it is not known.

    Raises:
        CmrtfError: a stack is not on the prepared grid, its image has values beyond [-1, 1], or its
            labels are such that a data set with them would be refused.
    """
    files = {phase: Path(f"{where}, {phase}" if phase else where) for phase in stacks}
    raise_errors(issue for phase, stack in stacks.items() for issue in _stack_issues(files[phase], stack))
    phases = {phase: PhaseFiles(file, file, None, is_cine=False) for phase, file in files.items()}
    checked = CheckedSubject(RawSubject("", "", "", phases), stacks=stacks)
    for check in HEART_CHECKS:
        checked = check(checked)
    raise_errors(checked.issues)


def _stack_issues(where: Path, stack: Stack) -> list[Issue]:
    *in_plane_mm, _ = stack.spacing_mm
    size = stack.label_ids.shape[1:]
    if size != (SIZE, SIZE) or not np.allclose(in_plane_mm, SPACING_MM, atol=1e-3):
        problem = (
            f"expected a prepared stack, {SIZE} x {SIZE} pixels of {SPACING_MM} mm. "
            f"Received: {size[1]} x {size[0]} of {in_plane_mm[0]:g} x {in_plane_mm[1]:g} mm."
        )
        return [Issue(ERROR, where, problem)]
    low, high = stack.image.min(), stack.image.max()
    if not -1.0 - TOLERANCE <= low <= high <= 1.0 + TOLERANCE:  # nor NaN, which may be set in place
        problem = f"expected image values within [-1, 1]. Received: {low:g} to {high:g}."
        return [Issue(ERROR, where, problem)]
    label = to_nifti_order(stack.label_ids)
    _, issues = read_label_ids(where, label, label_to_schema(None), stack.spacing_mm)
    return issues
