import numpy as np
import pytest

from cmrtf.phantom.papillary_muscles import NUM_FREE_TRABECULAE, PapillaryMuscles

LEVELS = np.linspace(-0.1, 1.1, 61, dtype=np.float32)
CAVITY_MM = np.full_like(LEVELS, 25.0)
NO_TWIST = np.zeros_like(LEVELS)


def cut(thickness=1.0, twist_rad=NO_TWIST, thickening=1.0, cavity_mm=CAVITY_MM):
    muscles = PapillaryMuscles(np.random.default_rng(0), thickness)
    return muscles.cut(LEVELS, cavity_mm, twist_rad, thickening)


def test_four_heads_and_free_trabeculae_start_near_the_apex_and_end_below_the_base():
    radius = cut()[:, 2]
    assert radius.shape == (4 + NUM_FREE_TRABECULAE, len(LEVELS))
    for muscle in radius:
        levels = LEVELS[muscle > 0]
        assert 0.18 < levels.min() < 0.25
        assert 0.3 < levels.max() < 0.75


def test_heads_stand_in_an_anterolateral_and_a_posteromedial_pair():
    x, y, radius = cut()[:4].transpose(1, 0, 2)
    x, y = (np.array([value[mm > 0][0] for value, mm in zip(axis, radius, strict=True)]) for axis in (x, y))
    angles_deg = np.degrees(np.arctan2(y, x))
    assert np.all((angles_deg[:2] > -90) & (angles_deg[:2] < -10))
    assert np.all((angles_deg[2:] > 30) & (angles_deg[2:] < 120))


def test_muscles_lie_inside_the_cavity_and_lean_inwards():
    for x, y, radius in cut():
        distance = np.hypot(x, y)[radius > 0]
        assert np.all(distance < 25.0)
        assert distance[-1] < distance[0]


@pytest.mark.parametrize("argument", ["thickness", "thickening"])
def test_radii_grow_with(argument):
    thin, thick = cut()[:, 2], cut(**{argument: 1.25})[:, 2]
    np.testing.assert_allclose(thick[thin > 0], 1.25 * thin[thin > 0], rtol=1e-5)


def test_radii_are_limited_in_a_small_cavity():
    assert cut(cavity_mm=np.full_like(LEVELS, 5.0))[:, 2].max() <= 1.5 + 1e-6


def test_muscles_turn_with_the_wall():
    straight, turned = cut(), cut(twist_rad=NO_TWIST + np.float32(np.pi / 2))
    np.testing.assert_allclose(turned[:, 0], -straight[:, 1], atol=1e-4)
    np.testing.assert_allclose(turned[:, 1], straight[:, 0], atol=1e-4)
