import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmrtf.errors import CmrtfError
from cmrtf.synthesis.conditions import QUANTITIES, Condition, all_hold, parse_conditions

HEART_ML = np.array([150.0, 100.0, 160.0, 60.0, 105.0, 80.0])
"""LV, MYO and RV in ED, then in ES."""


def test_quantities_follow_from_volumes():
    values = {name: float(measure(HEART_ML)) for name, (_, measure) in QUANTITIES.items()}
    assert values == pytest.approx(
        {"EDV": 150, "ESV": 60, "EF": 60, "MASS": 105, "RVEDV": 160, "RVESV": 80, "RVEF": 50}
    )


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("EDV>149", True),
        ("EDV>150", False),
        ("edv < 151 ml", True),
        ("EF<60.1 %, RVEF>49", True),
        ("EF<60.1 %, RVEF>51", False),
        ("MASS > 104.9g,MASS<105.1 g", True),
    ],
)
def test_all_conditions_shall_hold(text, holds):
    assert bool(all_hold(parse_conditions(text), HEART_ML)) is holds


def test_each_heart_is_judged():
    hearts = np.stack([HEART_ML, 2.0 * HEART_ML])
    assert all_hold(parse_conditions("EDV>200 ml"), hearts).tolist() == [False, True]
    assert all_hold((), hearts).tolist() == [True, True]


conditions = st.builds(
    Condition, st.sampled_from(list(QUANTITIES)), st.booleans(), st.integers(0, 4000).map(lambda n: n / 4)
)


@given(st.lists(conditions, min_size=1, max_size=4).map(tuple))
def test_what_is_written_can_be_read(wanted):
    assert parse_conditions(", ".join(map(str, wanted))) == wanted


@pytest.mark.parametrize("text", ["EDV=180", "LVEDV>180", "EDV>180 %", "EDV>-1", "EDV>180,", "180<EDV"])
def test_what_is_no_condition_is_named(text):
    with pytest.raises(CmrtfError, match=r"'EDV>180 ml, EF<35 %', of EDV \(ml\), ESV .* Received: '"):
        parse_conditions(text)
