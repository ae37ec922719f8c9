import numpy as np
import pytest

from cmrtf.synthesis.quantities import QUANTITIES, deviations, quantities_of, quantities_table

HEART_ML = np.array([150.0, 100.0, 160.0, 60.0, 110.0, 80.0])
"""LV, MYO and RV in ED, then in ES."""


def test_quantities_follow_from_volumes():
    expected = {
        "EDV": 150.0,
        "ESV": 60.0,
        "EF": 60.0,
        "MASS": 105.0,
        "RVEDV": 160.0,
        "RVESV": 80.0,
        "RVEF": 50.0,
    }
    assert quantities_of(HEART_ML) == pytest.approx(expected)


def test_volumes_deviate_by_per_cent_and_ejection_fractions_by_points():
    other = HEART_ML * [0.9, 1.0, 1.0, 1.0, 1.0, 0.5]
    off = deviations(HEART_ML, other)
    expected = dict.fromkeys(QUANTITIES, 0.0) | {
        "EDV": 10.0,
        "EF": 60.0 - 100 * (1 - 60 / 135),
        "RVESV": 50.0,
    }
    assert off == pytest.approx(expected | {"RVEF": 25.0})


def test_a_table_names_what_is_far_off_and_leaves_out_what_is_not_known():
    diastole = HEART_ML * [1, 1, 1, np.nan, np.nan, np.nan]
    table = quantities_table({"source": diastole, "synthetic": diastole * [1.04, 0.9, 1, 1, 1, 1]})
    assert table.splitlines() == [
        "              source synthetic",
        "EDV, ml        150.0     156.0",
        "MASS, g        105.0      94.5  10 % off",
        "RVEDV, ml      160.0     160.0",
    ]
    assert "RVEF, %         50.0      75.0  25 points off" in quantities_table(
        {"before": HEART_ML, "wanted": HEART_ML, "reached": HEART_ML * [1, 1, 1, 1, 1, 0.5]}
    ).replace("      50.0      50.0", "      50.0")


def test_what_measures_nothing_is_compared_too():
    """A heart without a myocardium has a mass of 0 g."""
    nothing = np.zeros(6)
    something = np.full(6, 10.0)
    assert np.isnan(deviations(nothing, nothing)["MASS"])
    assert "MASS, g          0.0      10.5  inf % off" in quantities_table(
        {"source": nothing, "synthetic": something}
    )
