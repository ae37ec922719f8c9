import numpy as np

from cmrtf.phantom.bssfp import tissue_signals
from cmrtf.phantom.chest import Chest, Texture
from cmrtf.phantom.protocol import heart_axes
from cmrtf.phantom.tissues import TISSUES

SIGNALS = tissue_signals(TISSUES, 3.0, 1.5, 60.0)


def axial_plane(z):
    """A chest round a ball of 60 mm, and its axial section at height z."""
    rng = np.random.default_rng(0)
    axis = heart_axes(np.deg2rad(45), np.deg2rad(25))[2]
    ball = rng.normal(size=(500, 3))
    ball = 40 * axis + 60 * ball / np.linalg.norm(ball, axis=1, keepdims=True)
    chest = Chest(rng, 25.0, ball, axis, 90 * axis)
    x, y = np.meshgrid(np.arange(-300, 300, 2.0), np.arange(-300, 300, 2.0))
    points = tuple(value.astype(np.float32) for value in (x, y, np.full_like(x, z)))
    smooth = Texture(*(np.zeros(x.shape, dtype=np.float32),) * 2)
    return chest, chest.render(points, smooth, SIGNALS, 2.0)


def share_near(image, tissue):
    return np.mean(np.abs(image - SIGNALS[tissue]) < 1e-4)


def test_air_outside_and_a_body_of_adult_size():
    _, image = axial_plane(40.0)
    assert np.all(image[:20] == 0)
    body_cm2 = np.mean(image != 0) * 60 * 60
    assert 600 < body_cm2 < 1300


def test_lungs_fill_the_chest_and_organs_the_belly():
    _, chest = axial_plane(60.0)
    _, belly = axial_plane(-120.0)
    assert share_near(chest, "lung") > 0.06
    assert share_near(chest, "liver") == 0
    assert share_near(belly, "liver") > 0.01
    assert share_near(belly, "lung") < 0.001
    for tissue in ("fat", "muscle", "arterial_blood", "marrow"):
        assert share_near(chest, tissue) > 0.0005, tissue


def test_coils_are_nearest_at_front_and_back():
    chest, _ = axial_plane(0.0)
    front, back = chest.coil_distance_mm(np.linspace(-60, 60, 9, dtype=np.float32))
    assert np.all(np.diff(front) > 0)
    assert np.all(np.diff(back) < 0)
