import pytest

from cmrtf.datasets.base import RawCohort, RawSubject
from cmrtf.datasets.slice_orders import with_slice_orders
from cmrtf.errors import CmrtfError

COHORT = RawCohort("acdc", tuple(RawSubject(code, "", "", {}) for code in "AB"), (), ())


@pytest.mark.parametrize(
    ("settings", "orders"),
    [
        ((), ["", ""]),
        (("base-first",), ["base-first", "base-first"]),
        (("B=apex-first",), ["", "apex-first"]),
        (("B=apex-first", "base-first"), ["base-first", "apex-first"]),
    ],
)
def test_what_is_said_of_one_counts_before_what_is_said_of_all(settings, orders):
    assert [raw.slice_order for raw in with_slice_orders(COHORT, settings).subjects] == orders


@pytest.mark.parametrize("setting", ["up", "A=", "=", "=apex-first", "C=apex-first"])
def test_a_setting_that_is_none_is_named(setting):
    with pytest.raises(CmrtfError, match="slice order: expected"):
        with_slice_orders(COHORT, [setting])


def test_two_orders_of_one_are_named():
    with pytest.raises(CmrtfError, match=r"expected one of B\. Received: base-first and apex-first"):
        with_slice_orders(COHORT, ["B=base-first", "B=apex-first"])
    with pytest.raises(CmrtfError, match="expected one of all subjects"):
        with_slice_orders(COHORT, ["base-first", "apex-first"])
    with_slice_orders(COHORT, ["base-first", "base-first"])
