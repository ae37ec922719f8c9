import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from cmrtf.core.resampling import inside, resample_image, resample_labels


@pytest.fixture
def smooth():
    noise = np.random.default_rng(0).normal(size=(40, 36, 3))
    return ndimage.gaussian_filter(noise, (2.5, 2.5, 0)) * 100


def test_the_same_grid_copies(smooth):
    np.testing.assert_allclose(resample_image(smooth, np.arange(40.0), np.arange(36.0)), smooth, rtol=1e-5)


def test_a_shifted_grid_agrees_with_spline_interpolation(smooth):
    x, y = np.arange(4, 34, 0.8) + 0.3, np.arange(4, 30, 0.8) + 0.1
    expected = np.stack(
        [
            ndimage.map_coordinates(smooth[..., k], np.meshgrid(x, y, indexing="ij"), order=3)
            for k in range(3)
        ],
        -1,
    )
    assert np.abs(resample_image(smooth, x, y) - expected).max() < 0.02 * np.ptp(smooth)


def test_a_linear_ramp_stays_a_ramp():
    ramp = np.arange(30.0)[:, None, None] * 3 + np.arange(20.0)[None, :, None] + np.zeros((1, 1, 2))
    x, y = np.arange(6, 22, 1.7), np.arange(6, 13, 0.6)
    expected = np.repeat((x[:, None] * 3 + y)[..., None], 2, axis=2)
    # A stretched kernel sampled at fractions has a small ripple.
    np.testing.assert_allclose(resample_image(ramp, x, y), expected, atol=0.1)


def test_coarser_targets_average_a_checkerboard_away():
    board = (np.indices((60, 60)).sum(axis=0) % 2 * 2.0 - 1.0)[..., None]
    at = np.arange(10.0, 50.0, 2.0)
    assert np.abs(resample_image(board, at, at)).max() < 0.1


def test_borders_are_continued_and_the_outside_is_zero():
    flat = np.full((6, 6, 1), 7.0)
    at = np.arange(-3.0, 9.0, 0.5)
    sampled = resample_image(flat, at, at)[..., 0]
    covered = np.outer(inside(at, 6), inside(at, 6))
    np.testing.assert_allclose(sampled[covered], 7.0, rtol=1e-6)
    assert not sampled[~covered].any()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.4, 2.5), st.floats(-3, 6))
def test_labels_gain_no_new_value(seed, step, start):
    present = np.random.default_rng(seed).choice(4, 2, replace=False).astype(np.uint8)
    label_ids = np.random.default_rng(seed).choice(present, (14, 12, 2))
    at = start + step * np.arange(16)
    assert set(np.unique(resample_labels(label_ids, at, at, 4))) <= {0, *present.tolist()}


def test_a_boundary_between_two_structures_shows_no_third_one_and_no_gap():
    label_ids = np.ones((20, 20, 1), np.uint8)
    label_ids[10:] = 3
    at = np.arange(1.0, 18.0, 0.7)
    assert set(np.unique(resample_labels(label_ids, at, at, 4))) == {1, 3}


def test_labels_keep_their_area_and_place_on_average():
    rng = np.random.default_rng(0)
    for step in (0.6, 1.0, 1.6):
        at = np.arange(2.0, 78.0, step)
        growth, shift = [], []
        for _ in range(20):
            centre, radius = rng.uniform(36, 44, 2), rng.uniform(8, 25)
            x, y = np.indices((80, 80))
            disc = (np.hypot(x - centre[0], y - centre[1]) < radius).astype(np.uint8)[..., None]
            after = resample_labels(disc, at, at, 2)
            growth.append(after.sum() * step**2 / disc.sum() - 1)
            shift.append(at[np.argwhere(after)[:, 0]].mean() - np.argwhere(disc)[:, 0].mean())
        assert abs(np.mean(growth)) < 0.01
        assert abs(np.mean(shift)) < 0.05
