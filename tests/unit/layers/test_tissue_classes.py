import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from cmrtf.layers.tissue_classes import NUM_CLASSES, SIGMA_PX, tissue_classes


def _regions(levels, size=64):
    """Stripes of these intensities, and which stripe a pixel is of."""
    stripe = np.repeat(np.arange(len(levels)), size // len(levels))
    stripes = np.broadcast_to(stripe, (size, size))
    return np.asarray(levels, np.float32)[stripes][None, ..., None], stripes[None]


@pytest.mark.parametrize("levels", [(-0.9, -0.3, 0.2, 0.8), (0.8, -0.9, 0.2, -0.3)])
def test_regions_are_classes_in_the_order_of_their_brightness(levels):
    image, stripes = _regions(levels)
    expected = np.argsort(np.argsort(levels))[stripes]
    classes = tissue_classes(image).numpy()
    inside = np.isin(np.arange(64) % 16, range(5, 11))  # the border between two stripes is blurred
    np.testing.assert_array_equal(classes[:, :, inside], expected[:, :, inside])


@pytest.mark.parametrize(("factor", "offset"), [(0.5, 0.0), (1.0, 0.3), (0.25, -0.6)])
def test_another_contrast_has_the_same_classes(factor, offset):
    noise = np.random.default_rng(0).normal(size=(2, 64, 64))
    image = gaussian_filter(noise, (0, 3, 3)).astype(np.float32)[..., None]
    own, other = tissue_classes(image).numpy(), tissue_classes(factor * image + offset).numpy()
    assert set(np.unique(own)) == set(range(NUM_CLASSES))
    assert (own == other).mean() > 0.999


def test_each_image_has_classes_of_its_own():
    bright, dark = _regions((0.2, 0.4, 0.6, 0.8))[0], _regions((-0.8, -0.6, -0.4, -0.2))[0]
    both = tissue_classes(np.concatenate([bright, dark]))
    np.testing.assert_array_equal(both[:1], tissue_classes(bright))
    np.testing.assert_array_equal(both[1:], tissue_classes(dark))


def test_noise_makes_no_specks():
    image, stripes = _regions((-0.6, 0.6))
    noisy = image + np.random.default_rng(0).normal(0.0, 0.3, image.shape).astype(np.float32)
    bright = tissue_classes(noisy).numpy() >= NUM_CLASSES / 2
    away = np.abs(np.arange(64) - 31.5) > 3 * SIGMA_PX
    assert (bright == (stripes == 1))[:, :, away].mean() > 0.99


def test_a_flat_image_is_one_class():
    assert len(np.unique(tissue_classes(np.full((1, 32, 32, 1), 0.3, np.float32)))) == 1
