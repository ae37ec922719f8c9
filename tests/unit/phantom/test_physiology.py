import numpy as np
import pytest

from cmrtf.phantom.physiology import Normal, contraction_curve, draw_physiology

# Ejection fraction, EDV ml, mass g, RV EDV ml: limits of what is published for adults.
LIMITS = {
    "NOR": ((0.50, 0.70), (75, 260), (40, 170), (80, 290)),
    "DCM": ((0.15, 0.40), (120, 420), (65, 240), (60, 420)),
    "HCM": ((0.60, 0.80), (70, 230), (80, 330), (70, 280)),
}


@pytest.mark.parametrize("pathology", LIMITS)
def test_volumes_and_mass_are_physiological(pathology):
    rng = np.random.default_rng(0)
    people = [draw_physiology(rng, pathology) for _ in range(300)]
    measures = (
        [person.ejection_fraction for person in people],
        [person.edv_ml for person in people],
        [person.mass_g for person in people],
        [person.rv_edv_ml for person in people],
    )
    for values, (low, high) in zip(measures, LIMITS[pathology], strict=True):
        assert low <= min(values)
        assert max(values) <= high


def test_healthy_means_are_those_of_uk_biobank():
    rng = np.random.default_rng(1)
    people = [draw_physiology(rng, "NOR") for _ in range(600)]
    for sex, edv_ml, mass_g in (("M", 166, 103), ("F", 124, 70)):
        ours = [(person.edv_ml, person.mass_g) for person in people if person.sex == sex]
        np.testing.assert_allclose(np.mean(ours, axis=0), (edv_ml, mass_g), rtol=0.1)


def test_dilated_hearts_are_larger_and_hypertrophic_ones_heavier():
    rng = np.random.default_rng(2)
    healthy, dilated, thick = (
        {
            name: np.mean([getattr(draw_physiology(rng, pathology), name) for _ in range(100)])
            for name in ("edv_ml", "esv_ml", "mass_g")
        }
        for pathology in ("NOR", "DCM", "HCM")
    )
    assert thick["esv_ml"] < healthy["esv_ml"] < dilated["esv_ml"]
    assert healthy["edv_ml"] < dilated["edv_ml"]
    assert thick["mass_g"] > 1.5 * healthy["mass_g"]


def test_both_ventricles_eject_the_same_volume():
    person = draw_physiology(np.random.default_rng(3), "DCM")
    assert person.edv_ml - person.esv_ml == pytest.approx(person.rv_edv_ml - person.rv_esv_ml)


def test_draws_stay_within_their_limits():
    rng = np.random.default_rng(4)
    values = [Normal(0, 5, -1, 2).draw(rng) for _ in range(50)]
    assert min(values) == -1
    assert max(values) == 2


@pytest.mark.parametrize("frames", [2, 3, 10, 25, 30])
def test_a_beat_starts_at_rest_contracts_once_and_relaxes(frames):
    curve, es_frame = contraction_curve(frames)
    assert len(curve) == frames
    assert curve[0] == 0
    assert curve.argmax() == es_frame
    assert curve[es_frame] == pytest.approx(1)
    assert np.all(np.diff(curve[: es_frame + 1]) > 0)
    assert np.all(np.diff(curve[es_frame:]) < 0)
