import numpy as np
import pytest

from cmrtf.errors import CmrtfError
from cmrtf.synthesis.criteria import meet_targets, parse_targets

HEART_ML = np.array([150.0, 100.0, 160.0, 60.0, 110.0, 80.0])
"""LV, MYO and RV in ED, then in ES: EF 60 and 50 %, and a tenth more myocardium in ES."""


def test_targets_are_read_with_or_without_unit():
    assert parse_targets("EDV=200 ml,ef = 30, MASS=99.5g") == {"EDV": 200.0, "EF": 30.0, "MASS": 99.5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("EDV>200", r"expected targets such as 'EDV=200 ml, EF=30 %', of .* Received: 'EDV>200'"),
        ("EDV=0 ml", r"expected EDV above 0. Received: 0"),
        ("EF=100 %", r"expected EF above 0 and below 100 %. Received: 100"),
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
