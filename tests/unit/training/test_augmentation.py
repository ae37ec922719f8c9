import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from cmrtf.training.augmentation import augment_labels, augment_pairs
from cmrtf.training.config import AugmentationConfig

SIZE = 32
BATCH = 64
SEED = tf.constant([3, 7], tf.int64)
NOTHING = AugmentationConfig()
EVERYTHING = AugmentationConfig(
    flip_probability=0.5,
    rotation_degrees=25,
    scaling=0.2,
    translation_px=4,
    elastic_px=3,
    gamma=0.3,
    bias=0.2,
)
CENTRE = (SIZE - 1) / 2
Y, X = np.indices((SIZE, SIZE)) - CENTRE
SQUARE = np.ones((3, 3), bool)


def _pairs(batch=4):
    rng = np.random.default_rng(0)
    image = rng.uniform(-1, 1, (batch, SIZE, SIZE, 1)).astype(np.float32)
    label_ids = rng.integers(0, 4, (batch, SIZE, SIZE)).astype(np.uint8)
    return tf.constant(image), tf.constant(label_ids)


def _sources(config, batch=BATCH, seed=SEED):
    """Where each output pixel comes from, row and column relative to the centre.

    Interpolation of a ramp is exact, so a warped ramp shows the positions themselves (as far as they lie
    well inside the image; outside it is mirrored).
    """
    no_labels = tf.zeros((batch, SIZE, SIZE), tf.uint8)
    positions = []
    for ramp in (Y, X):
        image = tf.constant(np.broadcast_to(ramp[..., None] / SIZE, (batch, SIZE, SIZE, 1)), tf.float32)
        warped, _ = augment_pairs(image, no_labels, seed, config)
        positions.append(warped.numpy()[..., 0] * SIZE)
    return np.stack(positions, -1)


INNER = np.s_[:, 10:22, 10:22]
"""Pixels whose sources lie inside the image whatever is tested here."""


def test_without_any_amount_nothing_changes():
    image, label_ids = _pairs()
    same_image, same_labels = augment_pairs(image, label_ids, SEED, NOTHING)
    np.testing.assert_allclose(same_image, image, atol=1e-6)
    np.testing.assert_array_equal(same_labels, label_ids)
    np.testing.assert_array_equal(augment_labels(label_ids, SEED, NOTHING), label_ids)


def test_shapes_types_and_ranges():
    image, label_ids = augment_pairs(*_pairs(), SEED, EVERYTHING)
    assert (image.shape, image.dtype) == ((4, SIZE, SIZE, 1), tf.float32)
    assert (label_ids.shape, label_ids.dtype) == ((4, SIZE, SIZE), tf.uint8)
    assert np.abs(image).max() <= 1.0


@pytest.mark.parametrize("present", [(0, 3), (1, 2), (0, 1, 2, 3)])
def test_no_new_label_appears(present):
    """Between 0 and 3 there is no 1 or 2; where the warp looks outside there is background."""
    label_ids = tf.constant(np.random.default_rng(0).choice(present, (BATCH, SIZE, SIZE)).astype(np.uint8))
    assert set(np.unique(augment_labels(label_ids, SEED, EVERYTHING))) <= {0, *present}


def test_the_slices_of_an_example_are_warped_alike():
    _, label_ids = _pairs(6)
    stacks = tf.stack([label_ids, label_ids[::-1]], 1)
    together = augment_labels(stacks, SEED, EVERYTHING)
    assert together.shape == (6, 2, SIZE, SIZE)
    np.testing.assert_array_equal(together[:, 0], augment_labels(label_ids, SEED, EVERYTHING))
    np.testing.assert_array_equal(together[:, 1], augment_labels(label_ids[::-1], SEED, EVERYTHING))


def test_a_sure_flip_mirrors_both_axes():
    image, label_ids = _pairs()
    config = AugmentationConfig(flip_probability=1.0)
    flipped_image, flipped_labels = augment_pairs(image, label_ids, SEED, config)
    np.testing.assert_allclose(flipped_image, image[:, ::-1, ::-1], atol=1e-6)
    np.testing.assert_array_equal(flipped_labels, label_ids[:, ::-1, ::-1])


def test_the_two_flips_are_independent_and_as_frequent_as_asked():
    sources = _sources(AugmentationConfig(flip_probability=0.25), batch=400)
    flipped = np.stack([sources[:, 0, 0, 0] > 0, sources[:, 0, 0, 1] > 0], -1)
    np.testing.assert_allclose(flipped.mean(0), [0.25, 0.25], atol=0.08)
    np.testing.assert_allclose(flipped.all(-1).mean(), 0.25**2, atol=0.05)


def test_a_rotation_keeps_distances_and_stays_within_its_range():
    sources = _sources(AugmentationConfig(rotation_degrees=30))
    radius = np.hypot(Y, X)[INNER[1:]]
    np.testing.assert_allclose(
        np.hypot(*np.moveaxis(sources[INNER], -1, 0)), radius[None].repeat(BATCH, 0), atol=1e-3
    )
    row, column = np.moveaxis(sources[:, 16, 20], -1, 0)
    angle = np.degrees(np.arctan2(row, column) - np.arctan2(Y[16, 20], X[16, 20]))
    assert -30.01 <= angle.min() < -20
    assert 20 < angle.max() <= 30.01


def test_scaling_multiplies_distances_and_stays_within_its_range():
    sources = _sources(AugmentationConfig(scaling=0.2))
    zoom = X[16, 20] / sources[:, 16, 20, 1]
    np.testing.assert_allclose(
        sources[INNER][..., 0] * zoom[:, None, None], Y[None, 10:22, 10:22].repeat(BATCH, 0), atol=1e-3
    )
    assert 0.799 <= zoom.min() < 0.9
    assert 1.1 < zoom.max() <= 1.201


def test_rotation_and_scaling_together_keep_shapes():
    """All distances are multiplied by the same number."""
    sources = _sources(AugmentationConfig(rotation_degrees=30, scaling=0.2))[INNER]
    ratio = np.hypot(sources[..., 0], sources[..., 1]) / np.hypot(Y, X)[INNER[1:]]
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1, :1], ratio.shape), atol=1e-3)


def test_a_translation_is_the_same_everywhere_and_stays_within_its_range():
    sources = _sources(AugmentationConfig(translation_px=4))
    shift = sources[INNER] - np.stack([Y, X], -1)[None, 10:22, 10:22]
    np.testing.assert_allclose(shift, np.broadcast_to(shift[:, :1, :1], shift.shape), atol=1e-3)
    for axis in (0, 1):
        assert -4.001 <= shift[..., axis].min() < -2
        assert 2 < shift[..., axis].max() <= 4.001


def test_an_elastic_warp_is_smooth_and_bounded():
    """Bicubic interpolation overshoots its nodes by less than a third along each axis."""
    displacement = (
        _sources(AugmentationConfig(elastic_px=3))[INNER] - np.stack([Y, X], -1)[None, 10:22, 10:22]
    )
    assert 1 < np.abs(displacement).max() < 3 * 1.6
    assert np.abs(np.diff(displacement, axis=1)).max() < 2.5
    assert np.std(displacement, axis=(1, 2)).max() > 0.3


def test_image_and_labels_stay_together():
    """An image painted in the colours of its labels: bright where label 3 is."""
    y, x = np.indices((SIZE, SIZE)) - 16
    label_ids = np.stack([np.where(np.hypot(y - i, x) < 3 + i / 2, 3, 0) for i in range(4)]).astype(np.uint8)
    image = (label_ids[..., None] / 1.5 - 1).astype(np.float32)
    config = dataclasses.replace(EVERYTHING, translation_px=3, elastic_px=2, gamma=0, bias=0)
    warped_image, warped_labels = augment_pairs(tf.constant(image), tf.constant(label_ids), SEED, config)
    assert np.mean(warped_labels != label_ids) > 0.02
    bright, labelled = np.asarray(warped_image)[..., 0] > 0, np.asarray(warped_labels) == 3
    # Images are interpolated by splines, labels linearly: contours differ by a part of a pixel.
    inside, around = (
        change(labelled, SQUARE[None]) for change in (ndimage.binary_erosion, ndimage.binary_dilation)
    )
    assert not np.any(inside & ~bright)
    assert not np.any(bright & ~around)
    assert np.mean(bright != labelled) < 0.01


def test_images_keep_their_detail():
    """Share of the power of noise that is left in five bands of frequency, shifted and turned at random.

    Linear interpolation keeps .99, .86, .68, .48 and .32 of it.
    """
    image = tf.constant(np.random.default_rng(0).normal(0, 0.2, (8, 128, 128, 1)), tf.float32)
    config = AugmentationConfig(rotation_degrees=8, translation_px=4, elastic_px=1.5)
    warped, _ = augment_pairs(image, tf.zeros((8, 128, 128), tf.uint8), SEED, config)
    kept = _power_by_band(warped) / _power_by_band(image)
    assert np.all(kept > [0.95, 0.95, 0.95, 0.85, 0.65]), kept
    assert np.all(kept < 1.05)


def _power_by_band(image):
    """Mean power from 0 to 0.5 cycles per pixel in five bands, away from the border."""
    window = np.hanning(96)[:, None] * np.hanning(96)
    inner = np.asarray(image)[:, 16:-16, 16:-16, 0]
    power = np.square(np.abs(np.fft.fft2(inner * window))).mean(axis=0)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(96), np.fft.fftfreq(96)))
    return np.array(
        [power[(frequency >= low) & (frequency < low + 0.1)].mean() for low in (0, 0.1, 0.2, 0.3, 0.4)]
    )


def test_quarter_turns_are_exact_and_as_frequent_as_asked():
    _, label_ids = _pairs(400)
    config = AugmentationConfig(quarter_turn_probability=0.6)
    turned = np.asarray(augment_labels(label_ids, SEED, config))
    turns = [
        next(k for k in range(4) if np.array_equal(np.rot90(before, k), after))
        for before, after in zip(np.asarray(label_ids), turned, strict=True)
    ]
    np.testing.assert_allclose(np.bincount(turns, minlength=4) / 400, [0.4, 0.2, 0.2, 0.2], atol=0.06)


def test_labels_alone_are_warped_as_in_pairs():
    image, label_ids = _pairs()
    expected = augment_pairs(image, label_ids, SEED, EVERYTHING)[1]
    np.testing.assert_array_equal(augment_labels(label_ids, SEED, EVERYTHING), expected)


def test_outside_the_image_is_mirrored_and_outside_the_labels_is_background():
    config = AugmentationConfig(translation_px=8)
    image, label_ids = tf.ones((BATCH, SIZE, SIZE, 1)), tf.ones((BATCH, SIZE, SIZE), tf.uint8)
    warped_image, warped_labels = augment_pairs(image, label_ids, SEED, config)
    np.testing.assert_allclose(warped_image, 1.0, atol=1e-6)
    assert 0 < np.mean(warped_labels == 0) < 0.5


@pytest.mark.parametrize("changes", [{"gamma": 0.5}, {"bias": 0.3}])
def test_intensities_change_and_the_geometry_does_not(changes):
    image = tf.fill((BATCH, SIZE, SIZE, 1), -0.5)
    _, label_ids = _pairs(BATCH)
    changed, same_labels = augment_pairs(image, label_ids, SEED, AugmentationConfig(**changes))
    np.testing.assert_array_equal(same_labels, label_ids)
    if "gamma" in changes:  # 0.25 to the power of 2 ** -0.5 .. 2 ** 0.5, the same everywhere
        np.testing.assert_allclose(np.ptp(changed, axis=(1, 2, 3)), 0.0, atol=1e-6)
        unit = (np.asarray(changed)[:, 0, 0, 0] + 1) / 2
        assert 0.25 ** (2**0.5) <= unit.min() < 0.2
        assert 0.3 < unit.max() <= 0.25 ** (2**-0.5)
    else:
        factor = (np.asarray(changed) + 1) / 2 / 0.25
        assert np.abs(factor - 1).max() > 0.2
        assert np.abs(factor - 1).max() < 0.3 * 1.6
        assert np.ptp(factor, axis=(1, 2, 3)).max() > 0.05


def test_the_seed_decides():
    image, label_ids = _pairs()
    first, again, other = (
        augment_pairs(image, label_ids, tf.constant(seed, tf.int64), EVERYTHING)[0]
        for seed in ((1, 2), (1, 2), (1, 3))
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def test_eagerly_in_a_graph_and_in_a_dataset_it_is_the_same():
    image, label_ids = _pairs()

    def augment(image, label_ids):
        return augment_pairs(image, label_ids, SEED, EVERYTHING)

    eager = augment(image, label_ids)
    graph = tf.function(augment)(image, label_ids)
    dataset = next(iter(tf.data.Dataset.from_tensors((image, label_ids)).map(augment)))
    for other in (graph, dataset):
        np.testing.assert_allclose(other[0], eager[0], atol=1e-4)
        assert np.mean(other[1].numpy() != eager[1].numpy()) < 1e-3  # a tie may fall either way
