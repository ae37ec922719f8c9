import numpy as np
import pytest

from cmrtf.phantom.raster import Canvas, ellipsoid_depth, smooth_noise


def canvas_of(values):
    return Canvas(np.asarray(values, dtype=np.float32), {"blood": 1.0, "fat": -1.0}, pixel_mm=2.0)


def test_an_edge_through_a_pixel_covers_its_share():
    canvas = canvas_of(np.zeros((1, 5)))
    canvas.fill(np.array([[-3.0, -0.5, 0.0, 0.5, 3.0]], dtype=np.float32), "blood")
    np.testing.assert_allclose(canvas.values, [[0, 0.25, 0.5, 0.75, 1]])


def test_a_disc_has_its_area():
    x, y = np.meshgrid(*[np.arange(-20, 20, 2, dtype=np.float32) + 0.7] * 2)
    canvas = canvas_of(np.zeros_like(x))
    canvas.fill(12 - np.hypot(x, y), "blood")
    assert canvas.values.sum() * 4 == pytest.approx(np.pi * 12**2, rel=0.01)


def test_opposed_fat_cancels_water_within_a_pixel():
    canvas = canvas_of(np.ones((1, 1)))
    canvas.fill(np.zeros((1, 1), dtype=np.float32), "fat")
    assert canvas.values == 0


def test_a_shape_elsewhere_leaves_the_canvas_alone():
    canvas = canvas_of(np.full((2, 2), 0.3))
    canvas.fill(np.full((2, 2), -5, dtype=np.float32), np.full((2, 2), 9.0, dtype=np.float32))
    np.testing.assert_array_equal(canvas.values, np.float32(0.3))


def test_ellipsoid_depth_is_exact_for_a_sphere():
    point = tuple(np.array([value], dtype=np.float32) for value in (3.0, 4.0, 0.0))
    assert ellipsoid_depth(point, (8, 8, 8))[0] == pytest.approx(3)


def test_noise_is_standardised_and_wraps():
    noise = smooth_noise(np.random.default_rng(0), (20, 360), (1, 6), wrap_last_axis=True)
    assert abs(noise.mean()) < 1e-5
    assert noise.std() == pytest.approx(1, abs=1e-4)
    assert noise.dtype == np.float32
    assert np.abs(noise[:, 0] - noise[:, -1]).mean() < 0.3, "neighbours across the seam"
