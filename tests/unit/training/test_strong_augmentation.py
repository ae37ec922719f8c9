import numpy as np
import pytest

from cmrtf.training import strong_augmentation
from cmrtf.training.strong_augmentation import augment_intensities, changed_intensities

SIZE = 32
IMAGES = np.clip(np.random.default_rng(0).normal(0, 0.4, (6, SIZE, SIZE, 1)), -1, 1).astype(np.float32)


def test_images_stay_images():
    changed = augment_intensities(IMAGES, np.array([3, 4], np.int64)).numpy()
    assert (changed.shape, changed.dtype) == (IMAGES.shape, np.float32)
    assert np.abs(changed).max() <= 1.0
    assert not np.array_equal(changed, IMAGES)


def test_it_is_a_function_of_the_seed():
    first, same, other = (augment_intensities(IMAGES, np.array([3, step], np.int64)) for step in (4, 4, 5))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    "name",
    [
        "_blur",
        "_coarsen",
        "_sharpen",
        "_add_noise",
        "_scale_contrast",
        "_brighten",
        "_tilt",
        "_bend",
        "_erase",
    ],
)
def test_every_change_changes_an_image_and_keeps_its_shape(name):
    change = getattr(strong_augmentation, name)
    for seed in range(20):
        changed = change(IMAGES[0, ..., 0], np.random.default_rng(seed))
        assert changed.shape == (SIZE, SIZE)
        assert np.isfinite(changed).all()
        assert not np.array_equal(changed, IMAGES[0, ..., 0])


def test_blur_takes_details_and_sharpening_adds_them():
    image, rng = IMAGES[0, ..., 0], np.random.default_rng(0)
    assert strong_augmentation._blur(image, rng).std() < 0.8 * image.std()
    assert strong_augmentation._sharpen(image, rng).std() > 1.1 * image.std()


def test_some_images_are_left_as_they_are():
    """Nine changes, each with a quarter: about one in thirteen."""
    same = sum(
        np.array_equal(changed_intensities(IMAGES[0, ..., 0], np.random.default_rng(seed)), IMAGES[0, ..., 0])
        for seed in range(300)
    )
    assert 8 <= same <= 45
