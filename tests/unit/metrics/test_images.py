import numpy as np
import pytest
from scipy.signal import convolve2d

from cmrtf.metrics.images import (
    SCALE_WEIGHTS,
    diversity,
    ms_ssim,
    through_plane_change,
    tissue_intensities,
)


def noise(count=1, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (count, 128, 128))


# MS-SSIM


def test_ms_ssim_is_1_of_equal_images_and_near_0_of_noise():
    images = noise(3)
    np.testing.assert_allclose(ms_ssim(images, images), 1.0)
    assert np.all(ms_ssim(images, noise(3, seed=1)) < 0.3)
    assert np.all(ms_ssim(images, -images) == 0.0)


def test_ms_ssim_is_symmetric_and_falls_with_noise():
    image = np.clip(noise() * 0.1 + np.sin(np.arange(128) / 8) * 0.7, -1, 1)
    values = [ms_ssim(image, image + strength * noise(seed=1))[0] for strength in (0.0, 0.1, 0.3, 0.6)]
    assert np.all(np.diff(values) < 0)
    other = noise(seed=1)
    np.testing.assert_allclose(ms_ssim(image, other), ms_ssim(other, image))


def test_ms_ssim_of_flat_images_is_their_luminance_term():
    dark, bright = np.full((1, 128, 128), -0.5), np.full((1, 128, 128), 0.5)
    luminance = (2 * 0.5 * 1.5 + 0.02**2) / (0.5**2 + 1.5**2 + 0.02**2)
    assert ms_ssim(dark, bright)[0] == pytest.approx(luminance ** SCALE_WEIGHTS[-1])


def test_ms_ssim_equals_the_formula_written_out():
    a = noise(seed=2)[0]
    b = np.clip(a + 0.5 * noise(seed=3)[0], -1, 1)
    window = np.outer(*[np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))] * 2)
    window /= window.sum()
    expected = 1.0
    x, y = a + 1.0, b + 1.0
    for scale in range(4):
        mx, my, xx, yy, xy = (convolve2d(image, window, "valid") for image in (x, y, x * x, y * y, x * y))
        term = (2 * (xy - mx * my) + 0.06**2) / (xx - mx**2 + yy - my**2 + 0.06**2)
        if scale == 3:
            term = term * (2 * mx * my + 0.02**2) / (mx**2 + my**2 + 0.02**2)
        expected *= term.mean() ** SCALE_WEIGHTS[scale]
        x, y = (image.reshape(len(image) // 2, 2, -1, 2).mean(axis=(1, 3)) for image in (x, y))
    assert ms_ssim(a[None], b[None])[0] == pytest.approx(expected)


def test_scale_weights_add_up_to_1():
    assert SCALE_WEIGHTS.sum() == pytest.approx(1.0)


# Diversity


def test_diversity_pairs_different_subjects_only():
    one, other = noise(2)
    images, subjects = np.stack([one, one, other]), np.array([7, 7, 9])
    assert diversity(images, subjects) == pytest.approx(ms_ssim(one[None], other[None])[0])


def test_diversity_of_repeated_images_is_1():
    various, same = noise(6), np.repeat(noise(1), 6, axis=0)
    subjects = np.arange(6)
    assert diversity(various, subjects) < 0.3
    assert diversity(same, subjects) == pytest.approx(1.0)


def test_diversity_is_a_function_of_its_seed():
    images, subjects = noise(4)[:, :88, :88], np.arange(4)
    first, same, other = (diversity(images, subjects, seed=seed) for seed in (3, 3, 4))
    assert first == same != other


# Stacks


def test_through_plane_change_of_a_ramp_is_its_slope():
    image = np.zeros((4, 6, 6)) + 0.3 * np.arange(4)[:, None, None]
    label_ids = np.ones((4, 6, 6), np.uint8)
    assert through_plane_change(image, label_ids, slice_spacing_mm=10.0) == pytest.approx(0.03)


def test_through_plane_change_counts_where_either_slice_has_the_heart():
    image = np.zeros((2, 1, 4))
    image[1, 0] = [1.0, 2.0, 4.0, 100.0]
    label_ids = np.array([[[1, 1, 0, 0]], [[0, 2, 3, 0]]])
    assert through_plane_change(image, label_ids, slice_spacing_mm=2.0) == pytest.approx(7.0 / 3.0 / 2.0)


def test_through_plane_change_without_a_heart_is_nan():
    assert np.isnan(through_plane_change(np.ones((3, 4, 4)), np.zeros((3, 4, 4)), 8.0))
    assert np.isnan(through_plane_change(np.ones((1, 4, 4)), np.ones((1, 4, 4)), 8.0))


def test_tissue_intensities_are_mean_and_deviation_of_each_structure():
    image = np.array([[-1.0, 0.0, 1.0, 0.5]], np.float32)
    intensities = tissue_intensities(image, np.array([[0, 1, 1, 2]]))
    assert list(intensities) == ["background", "LV", "MYO", "RV"]
    assert (intensities["LV"].mean, intensities["LV"].std) == (0.5, 0.5)
    assert (intensities["MYO"].mean, intensities["MYO"].std) == (0.5, 0.0)
    assert np.isnan([intensities["RV"].mean, intensities["RV"].std]).all()
