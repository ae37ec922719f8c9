import numpy as np
import pytest

from cmrtf.phantom.heart import Heart
from cmrtf.phantom.heart_image import Blood, PolarPlane, paint_heart
from cmrtf.phantom.physiology import draw_physiology
from cmrtf.phantom.polar_surface import ANGLES_RAD, NUM_ANGLES
from cmrtf.phantom.raster import Canvas

SIGNALS = {"fibrous": 0.1, "fat": -2.0, "myocardium": 0.3}
ARTERIAL, VENOUS, LUNG = 1.0, 0.8, 0.0


@pytest.fixture(scope="module")
def heart():
    rng = np.random.default_rng(0)
    return Heart(draw_physiology(rng, "NOR"), rng)


def plane():
    x, y = np.meshgrid(*[np.arange(-80, 80, 1.0, dtype=np.float32)] * 2)
    return PolarPlane.at(x, y)


def paint(heart, height_mm):
    """A heart at rest at one height over the apex, and the plane that it was painted on."""
    pixels = plane()
    canvas = Canvas(np.full_like(pixels.x, LUNG), SIGNALS, pixel_mm=1.0)
    blood = Blood(np.full_like(pixels.x, ARTERIAL), np.full_like(pixels.x, VENOUS))
    cut = heart.cut(np.array([height_mm], dtype=np.float32), heart.end_diastole)
    paint_heart(canvas, pixels, cut, 0, blood, size=1.0)
    return canvas.values, pixels, cut


def share(image, signal):
    return np.mean(np.abs(image - signal) < 1e-5)


def test_polar_plane_finds_the_sample_in_a_pixels_direction():
    pixels = plane()
    off = np.angle(np.exp(1j * (ANGLES_RAD[pixels.angle_index] - np.arctan2(pixels.y, pixels.x))))
    assert np.abs(off[pixels.radius_mm > 0]).max() <= np.pi / NUM_ANGLES * 1.01
    np.testing.assert_allclose(pixels.radius_mm, np.hypot(pixels.x, pixels.y))


def test_depth_is_measured_along_rays_from_the_axis():
    pixels = plane()
    depth = pixels.depth(np.full(NUM_ANGLES, 20.0, dtype=np.float32))
    np.testing.assert_allclose(depth, 20.0 - pixels.radius_mm, atol=1e-5)


def test_ventricles_have_blood_of_both_sides_in_muscle_and_fat(heart):
    image, pixels, cut = paint(heart, 0.5 * heart.length_mm)
    left, right = np.isclose(image, ARTERIAL), np.isclose(image, VENOUS)
    assert left.any()
    assert np.all(pixels.depth(cut.endo[0])[left] > -0.5), "LV blood lies inside the LV"
    assert right.any()
    assert np.all(pixels.x[right] < 0), "the RV lies on the septal side"
    assert share(image, SIGNALS["myocardium"]) > 0.02
    assert share(image, SIGNALS["fat"]) > 0.001
    assert share(image, LUNG) > 0.3


def test_above_the_base_there_are_atria_with_thin_walls(heart):
    ventricles, _, _ = paint(heart, 0.7 * heart.length_mm)
    atria, _, _ = paint(heart, heart.end_diastole.base_mm + 8.0)
    for pool in (ARTERIAL, VENOUS):
        assert share(atria, pool) > 0.01
    assert share(atria, SIGNALS["myocardium"]) < 0.5 * share(ventricles, SIGNALS["myocardium"])


def test_nothing_is_painted_below_the_apex(heart):
    image, _, _ = paint(heart, -heart.end_diastole.cap_mm - 2.0)
    np.testing.assert_array_equal(image, np.float32(LUNG))
