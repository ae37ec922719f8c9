"""In which order a subject's slices are stored: told by its stack, by its data set, or by a user."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.datasets.base import APEX_FIRST, BASE_FIRST, RawSubject
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
    label_volumes: Sequence[NDArray[Any]], affine: NDArray[np.float64], raw: RawSubject
) -> SliceOrder:
    """Find the order of a subject's slices.

    Args:
        label_volumes: `(x, y, z)` label ids, a volume per phase.
        affine: `(4, 4)`, voxel index to scanner millimetres (RAS+).
        raw: what is said of it, and known of the other stacks of its data set.
    """
    evidence = OrderEvidence.of(label_volumes, affine)
    if told := raw.slice_order:
        is_base_first = told == BASE_FIRST
        opposed = evidence.is_certain and evidence.is_base_first() != is_base_first
        doubt = [f"the stack looks as if it were not {told}; taken to be, as was said"] if opposed else []
        return SliceOrder(is_base_first, False, (*doubt, *_turned(is_base_first)))
    is_base_first = evidence.is_base_first(raw.other_orders)
    if evidence.is_certain:
        return SliceOrder(
            is_base_first, False, (*_turned(is_base_first), *_opposed_affine(evidence, is_base_first))
        )
    return SliceOrder(is_base_first, True, (_doubt(evidence, is_base_first, raw.other_orders),))


def with_other_orders(
    subjects: Iterable[RawSubject], is_base_first: Mapping[str, bool | None]
) -> tuple[RawSubject, ...]:
    """The same subjects, of which those in doubt know how the others are stored.

    Args:
        subjects: of a data set.
        is_base_first: by code, of those that can be used; None of those in doubt.
    """
    known = list(is_base_first.values())
    other_orders = known.count(False), known.count(True)
    return tuple(
        replace(raw, other_orders=other_orders) if is_base_first.get(raw.subject, False) is None else raw
        for raw in subjects
    )


def _turned(is_base_first: bool) -> list[str]:
    """What is done to a stack that is stored base first."""
    return ["the stack runs from base to apex; it is turned round"] if is_base_first else []


def _opposed_affine(evidence: OrderEvidence, is_base_first: bool) -> list[str]:
    """An affine that says the other order than the labels do."""
    if evidence.affine_log_odds == 0.0 or (evidence.affine_log_odds < 0) == is_base_first:
        return []
    order = BASE_FIRST if is_base_first else APEX_FIRST
    return [f"the affine points the other way than labels that are {order}; the labels are believed"]


def _doubt(evidence: OrderEvidence, is_base_first: bool, other_orders: tuple[int, int]) -> str:
    """An order that is a guess, and what it rests on."""
    alike, total = other_orders[is_base_first], sum(other_orders)
    order = BASE_FIRST if is_base_first else APEX_FIRST
    others = f", as {alike} of {total} other stacks are" if total else ""
    return (
        f"apex and base look alike (taper {evidence.taper:+.3f}); the file was taken to be {order}{others}; "
        f"look whether it is (prepare and check take --slice-order)"
    )
