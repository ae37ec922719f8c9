"""What a user says of the order in which slices are stored, where files leave it in doubt."""

from collections.abc import Sequence
from dataclasses import replace

from cmrtf.datasets.base import SLICE_ORDERS, RawCohort
from cmrtf.errors import CmrtfError


def with_slice_orders(cohort: RawCohort, settings: Sequence[str]) -> RawCohort:
    """The same subjects, of which it is known how their slices run.

    Args:
        cohort: as read.
        settings: `"apex-first"` or `"base-first"` for all subjects, `"CODE=apex-first"` for one. What is said
            of one counts before what is said of all.

    Raises:
        CmrtfError: a setting is none of these or contradicts another one, or there is no such subject.
    """
    orders: dict[str, str] = {}
    for setting in settings:
        code, equals, order = setting.rpartition("=")
        if order not in SLICE_ORDERS or (equals and not code):
            expected = " or ".join(SLICE_ORDERS)
            raise CmrtfError(
                f"slice order: expected {expected}, CODE= before it or not. Received: {setting!r}."
            )
        if orders.setdefault(code, order) != order:
            of_whom = code or "all subjects"
            raise CmrtfError(f"slice order: expected one of {of_whom}. Received: {orders[code]} and {order}.")
    codes = {"", *(subject.subject for subject in cohort.subjects)}
    if unknown := [code for code in orders if code not in codes]:
        raise CmrtfError(f"slice order: expected the code of a subject. Received: {unknown[0]!r}.")
    subjects = (
        replace(subject, slice_order=orders.get(subject.subject, orders.get("", "")))
        for subject in cohort.subjects
    )
    return replace(cohort, subjects=tuple(subjects))
