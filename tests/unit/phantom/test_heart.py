import numpy as np
import pytest

from cmrtf.phantom.heart import Heart
from cmrtf.phantom.physiology import draw_physiology
from cmrtf.phantom.polar_surface import NUM_ANGLES

HEIGHTS_MM = np.arange(-25, 140, 0.5, dtype=np.float32)


def heart_of(pathology, seed=0):
    rng = np.random.default_rng(seed)
    return Heart(draw_physiology(rng, pathology), rng)


def enclosed_ml(radii):
    """Volume inside a surface cut at HEIGHTS_MM."""
    return float(np.sum(np.clip(radii, 0, None) ** 2) * np.pi / NUM_ANGLES * 0.5 / 1000)


@pytest.mark.parametrize("pathology", ["NOR", "DCM", "HCM"])
@pytest.mark.parametrize("contraction", [0.0, 0.5, 1.0])
def test_surfaces_enclose_the_volumes_asked_for(pathology, contraction):
    heart = heart_of(pathology)
    person = heart.physiology
    cut = heart.cut(HEIGHTS_MM, heart.state(contraction))
    cavity_ml, epi_ml, both_ml = (enclosed_ml(surface) for surface in (cut.endo, cut.epi, cut.rv))
    expected_ml = person.edv_ml + contraction * (person.esv_ml - person.edv_ml)
    expected_rv_ml = person.rv_edv_ml + contraction * (person.rv_esv_ml - person.rv_edv_ml)
    assert cavity_ml == pytest.approx(expected_ml, rel=0.02)
    assert both_ml - epi_ml == pytest.approx(expected_rv_ml, rel=0.02)
    assert epi_ml - cavity_ml == pytest.approx(person.myocardial_volume_ml, rel=0.02), "incompressible"


@pytest.mark.parametrize("pathology", ["NOR", "DCM", "HCM"])
def test_the_wall_thickens_and_the_ventricle_shortens(pathology):
    heart = heart_of(pathology)
    rest, systole = heart.state(0.0), heart.state(1.0)
    assert systole.wall_mm > 1.1 * rest.wall_mm
    assert systole.base_mm < rest.base_mm
    assert systole.radius_mm < rest.radius_mm
    assert systole.rv_depth_mm < rest.rv_depth_mm


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("contraction", [0.0, 1.0])
def test_surfaces_lie_inside_each_other(seed, contraction):
    heart = heart_of(("NOR", "DCM", "HCM")[seed % 3], seed)
    cut = heart.cut(HEIGHTS_MM, heart.state(contraction))
    cavity = cut.endo > 0
    assert np.min((cut.epi - cut.endo)[cavity]) > 4, "a wall of at least 4 mm everywhere"
    assert np.all(cut.lv_blood <= cut.endo)
    assert np.all(cut.rv >= cut.epi)
    assert np.all(cut.rv_wall >= cut.rv)
    assert np.all(cut.fat >= cut.rv_wall)
    x, y, radius = cut.papillary_muscles.transpose(1, 0, 2)
    is_cut = radius > 0
    assert is_cut.any()
    mean_endo = np.broadcast_to(cut.endo.mean(axis=1), radius.shape)
    assert np.all(np.hypot(x, y)[is_cut] < mean_endo[is_cut]), "papillary muscles stand in the cavity"


def test_the_septum_of_a_hypertrophic_heart_is_thick():
    heart = heart_of("HCM")
    level = np.array([0.7 * heart.length_mm], dtype=np.float32)
    cut = heart.cut(level, heart.end_diastole)
    wall = (cut.epi - cut.endo)[0]
    septal, lateral = np.r_[wall[:30], wall[-30:]].mean(), wall[150:210].mean()
    assert septal > 1.25 * lateral
    assert 12 < wall.max() < 35


def test_there_is_no_ventricle_above_the_base_nor_below_the_apex():
    heart = heart_of("NOR")
    rest = heart.end_diastole
    cut = heart.cut(np.array([rest.base_mm + 1, -rest.cap_mm - 1], dtype=np.float32), rest)
    assert np.all(cut.epi < 0)
    assert np.all(cut.fat[0] > 0), "fat goes on round the atria"
    assert np.all(cut.fat[1] < 0)
