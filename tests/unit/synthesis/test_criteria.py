import numpy as np
import pytest

from cmrtf.errors import CmrtfError
from cmrtf.synthesis.criteria import (
    Condition,
    all_hold,
    checked_targets,
    meet_targets,
    parse_conditions,
    parse_targets,
    read_term,
)
from cmrtf.synthesis.quantities import QUANTITIES

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


HEART_ML = np.array([150.0, 100.0, 160.0, 60.0, 110.0, 80.0])
"""LV, MYO and RV in ED, then in ES: EF 60 and 50 %, and a tenth more myocardium in ES."""


def test_targets_are_read_with_or_without_unit():
    assert parse_targets("EDV=200 ml,ef = 30, MASS=99.5g") == {"EDV": 200.0, "EF": 30.0, "MASS": 99.5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("EDV>200", r"expected targets such as 'EDV=200 ml, EF=30 %', of .* Received: 'EDV>200'"),
        ("EDV=0 ml", r"expected EDV above 0. Received: 0.0"),
        ("EF=100 %", r"expected EF above 0 and below 100 %. Received: 100.0"),
        ("EDV=200, EDV=210", r"expected each target once. Received: EDV twice"),
        ("ESV=60, EF=30", r"expected ESV or EF: one follows from the other. Received: both"),
        ("RVESV=60, RVEF=30", r"expected RVESV or RVEF: one follows from the other. Received: both"),
    ],
)
def test_what_no_heart_can_meet_is_named(text, message):
    with pytest.raises(CmrtfError, match=message):
        parse_targets(text)


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("EDV=200", {0: 200.0, 3: 80.0}),  # EF stays
        ("ESV=90", {3: 90.0}),
        ("EF=20", {3: 120.0}),
        ("EDV=200, EF=30", {0: 200.0, 3: 140.0}),
        ("EDV=200, ESV=90", {0: 200.0, 3: 90.0}),
        ("MASS=210", {1: 200.0, 4: 220.0}),  # 1.05 g/ml
        ("RVEDV=100", {2: 100.0, 5: 50.0}),
        ("RVEF=25, EF=20", {5: 120.0, 3: 120.0}),
        ("RVESV=70", {5: 70.0}),
    ],
)
def test_what_is_no_target_stays(text, changed):
    wanted = HEART_ML.copy()
    wanted[list(changed)] = list(changed.values())
    np.testing.assert_allclose(meet_targets(HEART_ML, parse_targets(text)), wanted)


def test_without_targets_all_stays():
    np.testing.assert_allclose(meet_targets(HEART_ML, {}), HEART_ML)


def test_a_heart_that_would_not_eject_is_refused():
    with pytest.raises(CmrtfError, match=r"expected ESV below EDV. Received: 150 and 150 ml"):
        meet_targets(HEART_ML, {"ESV": 150.0})
    with pytest.raises(CmrtfError, match=r"expected RVESV below RVEDV. Received: 120 and 100 ml"):
        meet_targets(HEART_ML, {"RVEDV": 100.0, "RVESV": 120.0})


def test_targets_by_name_are_read_like_written_ones():
    assert checked_targets({"edv": 200, "EF": 30.5}) == parse_targets("EDV=200 ml, EF=30.5 %")
    assert checked_targets({"EDV": np.float32(0.1)}) == {"EDV": float(np.float32(0.1))}
    assert checked_targets({"EDV": 1e-7}) == {"EDV": 1e-7}  # which is no number as targets are written


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"LVEDV": 200}, "expected targets among EDV, .* Received: 'LVEDV'"),
        ({"EDV": "200"}, "expected EDV above 0. Received: '200'"),
        ({"EDV": float("nan")}, "expected EDV above 0. Received: nan"),
        ({"EDV": float("inf")}, "expected EDV above 0. Received: inf"),
        ({"EDV": True}, "expected EDV above 0. Received: True"),
        ({"EDV": None}, "expected EDV above 0. Received: None"),
        ({"EDV": -1}, "expected EDV above 0. Received: -1"),
        ({"EF": 130}, "expected EF above 0 and below 100 %. Received: 130"),
        ({"EF": 30, "ef": 40}, "expected each target once. Received: EF twice"),
        ({"ESV": 80, "EF": 40}, "expected ESV or EF: one follows from the other. Received: both"),
    ],
)
def test_what_no_heart_can_meet_is_named_by_value_too(values, message):
    with pytest.raises(CmrtfError, match=message):
        checked_targets(values)


def test_a_condition_is_on_a_quantity():
    with pytest.raises(CmrtfError, match=r"expected one of EDV, .*Received: 'LVEDV'"):
        Condition("LVEDV", True, 200.0)
