"""In which order a subject's slices are stored: told by its stack, by its data set, or by a user."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.datasets.base import APEX_FIRST, BASE_FIRST
from cmrtf.quality.checked_subject import CheckedSubject
from cmrtf.shape.orientation import OrderEvidence


@dataclass(frozen=True)
class SliceOrder:
    """An order, and how far it is to be believed.

    Args:
        is_base_first: the order.
        is_in_doubt: whether the stack's own signs are not enough.
        problems: what to warn of.
    """

    is_base_first: bool
    is_in_doubt: bool
    problems: tuple[str, ...]


def slice_order(
    label_volumes: Sequence[NDArray[Any]], affine: NDArray[np.float64], subject: CheckedSubject
) -> SliceOrder:
    """Find the order of a subject's slices.

    Args:
        label_volumes: `(x, y, z)` label ids, a volume per phase.
        affine: `(4, 4)`, voxel index to scanner millimetres (RAS+).
        subject: for what is said of it, and of the other stacks of its data set.
    """
    evidence = OrderEvidence.of(label_volumes, affine)
    if told := subject.raw.slice_order:
        is_base_first = told == BASE_FIRST
        opposed = evidence.is_certain and evidence.is_base_first(subject.majority) != is_base_first
        doubt = [f"the stack looks as if it were not {told}; taken to be, as was said"] if opposed else []
        return SliceOrder(is_base_first, False, (*doubt, *_turned(is_base_first)))
    is_base_first = evidence.is_base_first(subject.majority)
    if evidence.is_certain:
        return SliceOrder(
            is_base_first, False, (*_turned(is_base_first), *_opposed_affine(evidence, is_base_first))
        )
    return SliceOrder(is_base_first, True, (_doubt(evidence, is_base_first, subject),))


def _turned(is_base_first: bool) -> list[str]:
    """What is done to a stack that is stored base first."""
    return ["the stack runs from base to apex; it is turned round"] if is_base_first else []


def _opposed_affine(evidence: OrderEvidence, is_base_first: bool) -> list[str]:
    """An affine that says the other order than the labels do."""
    if evidence.affine_log_odds == 0.0 or (evidence.affine_log_odds < 0) == is_base_first:
        return []
    order = BASE_FIRST if is_base_first else APEX_FIRST
    return [f"the affine points the other way than labels that are {order}; the labels are believed"]


def _doubt(evidence: OrderEvidence, is_base_first: bool, subject: CheckedSubject) -> str:
    """An order that is a guess, and what it rests on."""
    majority = subject.majority
    alike = majority.base_first if is_base_first else majority.apex_first
    total = majority.apex_first + majority.base_first
    order = BASE_FIRST if is_base_first else APEX_FIRST
    others = f", as {alike} of {total} other stacks are" if total else ""
    return (
        f"apex and base look alike (taper {evidence.taper:+.3f}); the file was taken to be {order}{others}: "
        f"look, and say --slice-order if it is not"
    )
