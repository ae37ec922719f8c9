import math

import pytest

from cmrtf.phantom.bssfp import fat_sign, steady_state_signal, tissue_signals
from cmrtf.phantom.tissues import TISSUES, Tissue


def test_short_tr_limit_is_the_textbook_formula():
    # For TR << T1, T2: M = sin a / (1 + cos a + (1 - cos a) T1 / T2) (Scheffler and Lehnhardt 2003).
    tissue, angle = Tissue(t1_ms=1000, t2_ms=50, proton_density=0.8), math.radians(60)
    expected = 0.8 * math.sin(angle) / (1 + math.cos(angle) + (1 - math.cos(angle)) * 1000 / 50)
    assert steady_state_signal(tissue, tr_ms=1e-3, te_ms=0, flip_angle_deg=60) == pytest.approx(
        expected, rel=1e-3
    )


def test_signal_decays_with_echo_time():
    tissue = TISSUES["myocardium"]
    early, late = (steady_state_signal(tissue, 3, te_ms, 60) for te_ms in (0, 40))
    assert late == pytest.approx(early * math.exp(-1))


@pytest.mark.parametrize(("tr_ms", "sign"), [(2.0, 1), (3.0, -1), (4.4, -1), (9.0, 1)])
def test_fat_changes_phase_from_band_to_band(tr_ms, sign):
    # Fat is 220 Hz off; bands are 1 / TR wide and centred on water.
    assert fat_sign(tr_ms) == sign


def test_contrast_is_that_of_cine_images():
    signal = tissue_signals(TISSUES, tr_ms=3, te_ms=1.5, flip_angle_deg=60)
    assert 2 < signal["arterial_blood"] / signal["myocardium"] < 4
    assert 0.7 < signal["venous_blood"] / signal["arterial_blood"] < 0.95
    assert signal["fat"] < -signal["arterial_blood"], "bright, and opposed to water"
    assert signal["myocardium"] < signal["liver"] < signal["arterial_blood"]
    assert signal["lung"] < 0.3 * signal["myocardium"]
    assert signal["air"] == 0
