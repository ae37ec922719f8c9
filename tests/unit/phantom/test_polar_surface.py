import numpy as np
import pytest

from cmrtf.phantom.polar_surface import (
    ANGLES_RAD,
    EQUATOR,
    NUM_ANGLES,
    at_levels,
    draw_waves,
    ellipsoid,
    harmonics,
    lobe,
    smooth_step,
    wall_noise,
)


def float32(*values):
    return np.array(values, dtype=np.float32)


def test_angles_are_the_middles_of_equal_sectors():
    np.testing.assert_allclose(np.diff(ANGLES_RAD), 2 * np.pi / NUM_ANGLES, rtol=1e-3)
    assert ANGLES_RAD[0] == pytest.approx(-ANGLES_RAD[-1], abs=1e-5)


def test_ellipsoid_is_widest_at_the_equator_and_absent_below_the_apex():
    np.testing.assert_allclose(ellipsoid(float32(-0.2, 0.0, EQUATOR)), [0, 0, 1], atol=1e-6)
    half_way = ellipsoid(float32(EQUATOR / 2))[0]
    assert half_way == pytest.approx(np.sqrt(0.75))
    assert ellipsoid(float32(1.0)) == ellipsoid(float32(2.0)), "truncated at the base"


def test_harmonics_equal_the_sum_of_cosines():
    waves = np.array([1, 3]), np.array([0.5, 0.1]), np.array([0.0, np.pi / 2])
    expected = 0.5 * np.cos(ANGLES_RAD) + 0.1 * np.sin(3 * ANGLES_RAD)
    np.testing.assert_allclose(harmonics(waves, ANGLES_RAD), expected, atol=1e-6)


def test_waves_have_the_deviations_asked_for():
    rng = np.random.default_rng(0)
    amplitudes = [draw_waves(rng, (2, 3), (0.5, 0.01))[1] for _ in range(400)]
    np.testing.assert_allclose(np.std(amplitudes, axis=0), (0.5, 0.01), rtol=0.1)


def test_a_lobe_is_1_at_its_centre_and_falls_symmetrically():
    bump = lobe(np.pi / 2, 2.0)
    centre = NUM_ANGLES * 3 // 4
    assert bump.max() == pytest.approx(1, abs=1e-3)
    assert abs(int(bump.argmax()) - centre) <= 1
    np.testing.assert_allclose(bump[centre : centre + 60], bump[centre - 60 : centre][::-1], atol=1e-5)


def test_smooth_step_is_0_then_a_ramp_then_1():
    np.testing.assert_allclose(smooth_step(float32(0, 1, 2, 3, 4), 1, 3), [0, 0, 0.5, 1, 1])


def test_rows_of_a_table_are_interpolated_linearly():
    table = float32(0, 10, 40)[:, None] * np.ones((1, 2), np.float32)
    expected = [[0, 0], [5, 5], [10, 10], [40, 40]]
    np.testing.assert_allclose(at_levels(table, float32(0, 0.25, 0.5, 1)), expected)


def test_wall_noise_has_unit_deviation_and_wraps():
    noise = wall_noise(np.random.default_rng(0), 2, 10)
    assert noise.shape == (24, NUM_ANGLES)
    assert noise.std() == pytest.approx(1, abs=1e-4)
    assert np.abs(noise[:, 0] - noise[:, -1]).mean() < 0.2
