import numpy as np
import pytest

from cmrtf.errors import CmrtfError
from cmrtf.synthesis.criteria import QUANTITIES, Condition, all_hold, parse_conditions, read_term

VOLUMES_ML = np.array([200.0, 100.0, 160.0, 50.0, 120.0, 40.0])
"""LV, MYO and RV in ED, then in ES."""


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("EDV>180 ml", [("EDV", True, 180.0)]),
        ("  ef  <  35.5% ", [("EF", False, 35.5)]),
        ("Mass<.5", [("MASS", False, 0.5)]),
        ("EDV>100,EDV<120ml, RVEF>40", [("EDV", True, 100.0), ("EDV", False, 120.0), ("RVEF", True, 40.0)]),
    ],
)
def test_conditions_are_read(text, conditions):
    assert parse_conditions(text) == tuple(Condition(*each) for each in conditions)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "EDV",
        "EDV=180",
        "EDV>",
        ">180",
        "EDV>-5",
        "EDV>1e3",
        "EDV>180 %",
        "EF<35 ml",
        "MASS>90 ml",
        "LVM>1",
    ],
)
def test_what_is_no_condition_is_quoted(text):
    with pytest.raises(CmrtfError, match=r"expected conditions such as .* RVEF \(%\)\. Received: ") as error:
        parse_conditions(f"EDV>1 ml,{text}")
    assert str(error.value).endswith(f"Received: {text!r}.")


def test_a_term_has_one_of_the_signs():
    assert read_term("edv = 200 ml", "=", "") == ("EDV", "=", 200.0)
    with pytest.raises(CmrtfError, match=r"^expected targets, of EDV \(ml\)"):
        read_term("EDV>200", "=", "targets")


@pytest.mark.parametrize(
    ("quantity", "value"),
    [
        ("EDV", 200.0),
        ("ESV", 50.0),
        ("EF", 75.0),
        ("MASS", 105.0),
        ("RVEDV", 160.0),
        ("RVESV", 40.0),
        ("RVEF", 75.0),
    ],
)
def test_a_quantity_is_above_what_is_below_it_and_below_what_is_above_it(quantity, value):
    for limit, is_larger in ((value - 0.01, True), (value + 0.01, False)):
        assert Condition(quantity, True, limit).holds(VOLUMES_ML) == is_larger
        assert Condition(quantity, False, limit).holds(VOLUMES_ML) != is_larger


def test_of_a_ventricle_that_does_not_change_nothing_is_ejected():
    still = np.array([200.0, 100.0, 160.0, 200.0, 100.0, 80.0])
    assert Condition("EF", False, 0.01).holds(still)
    assert Condition("RVEF", True, 49.99).holds(still)


def test_all_conditions_hold_or_not_heart_by_heart():
    hearts = VOLUMES_ML * np.array([[0.5], [1.0], [2.0]])
    conditions = parse_conditions("EDV>150, RVESV<60")
    assert all_hold(conditions, hearts).tolist() == [False, True, False]
    assert all_hold((), hearts).tolist() == [True, True, True]


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_what_a_condition_says_of_itself_is_read_as_itself(quantity):
    for condition in (Condition(quantity, True, 12.5), Condition(quantity, False, 80.0)):
        assert parse_conditions(str(condition)) == (condition,)
