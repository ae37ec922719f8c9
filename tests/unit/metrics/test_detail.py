import numpy as np
import pytest
from scipy import ndimage

from cmrtf.metrics.detail import BANDS, PATCH_PX, chest_patches, heart_patches, power_by_band

NOISE = np.random.default_rng(0).normal(0.0, 0.3, (400, PATCH_PX, PATCH_PX))


def test_white_noise_has_its_variance_in_every_band():
    np.testing.assert_allclose(power_by_band(NOISE), 0.09, rtol=0.12)


def test_power_is_quadratic_and_does_not_see_brightness():
    np.testing.assert_allclose(power_by_band(3.0 * NOISE + 5.0), 9.0 * power_by_band(NOISE), rtol=1e-6)


@pytest.mark.parametrize("band", range(len(BANDS)))
def test_a_wave_lies_in_its_band(band):
    wave = np.sin(2 * np.pi * (0.05 + 0.1 * band) * np.arange(PATCH_PX))
    power = power_by_band(np.tile(wave, (1, PATCH_PX, 1)))
    assert power.argmax() == band
    assert power[band] > 0.6 * power.sum()


def test_blur_takes_the_fine_bands_first():
    blurred = ndimage.gaussian_filter(NOISE, (0, 0.6, 0.6), mode="wrap")
    kept = power_by_band(blurred) / power_by_band(NOISE)
    assert np.all(np.diff(kept) < 0)
    assert kept[0] > 0.9
    assert kept[-1] < 0.4


def test_patches_lie_around_the_heart_and_in_corners_without_it():
    image = np.arange(3 * 96 * 96, dtype=np.float32).reshape(3, 96, 96)
    label_ids = np.zeros((3, 96, 96), np.uint8)
    label_ids[1, 40:60, 50:70] = 2
    label_ids[2, :5, :5] = 1
    near = heart_patches(image, label_ids)
    np.testing.assert_array_equal(near, [image[1, 34:66, 44:76], image[2, :32, :32]])
    away = chest_patches(image, label_ids)
    assert away.shape == (11, PATCH_PX, PATCH_PX)
    assert not np.any(np.all(away == image[2, :32, :32], axis=(1, 2)))


def test_without_a_heart_there_is_no_patch_of_one():
    assert heart_patches(np.zeros((2, 64, 64)), np.zeros((2, 64, 64), int)).shape == (0, PATCH_PX, PATCH_PX)
