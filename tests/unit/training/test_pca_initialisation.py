import keras
import numpy as np
import pytest
import tensorflow as tf

from cmrtf.models.label_vae import LabelVAE
from cmrtf.training import pca_initialisation
from cmrtf.training.config import AugmentationConfig
from cmrtf.training.pca_initialisation import (
    LIMIT_PX,
    half_size_distances,
    initialise_with_pca,
    principal_components,
    ridge_regression,
)

SIZE = 32


def _discs(count=40):
    """Discs of label 1 in rings of label 2, of many sizes and places."""
    rng = np.random.default_rng(0)
    y, x = np.indices((SIZE, SIZE))
    discs = np.zeros((count, SIZE, SIZE), np.uint8)
    for disc, (dy, dx, radius) in zip(discs, rng.uniform([-3, -3, 5], [3, 3, 8], (count, 3)), strict=True):
        distance = np.hypot(y - SIZE / 2 - dy, x - SIZE / 2 - dx)
        disc[distance < radius + 4] = 2
        disc[distance < radius] = 1
    return discs


def test_distances_of_a_half_plane_are_a_ramp_that_is_cut_off():
    label_ids = np.zeros((SIZE, SIZE), np.uint8)
    label_ids[:, SIZE // 2 :] = 1
    maps = half_size_distances(label_ids)
    assert maps.shape == (SIZE // 2, SIZE // 2, 4)
    ramp = np.clip(2.0 * np.arange(SIZE // 2) + 1 - SIZE / 2, -LIMIT_PX, LIMIT_PX)
    np.testing.assert_allclose(maps[..., 1], np.tile(ramp, (SIZE // 2, 1)), atol=0.26)
    np.testing.assert_allclose(maps[..., 0], -maps[..., 1])
    assert np.all(maps[..., 2:] == -LIMIT_PX)


def test_components_are_orthonormal_and_give_the_values_back():
    rng = np.random.default_rng(0)
    values = (rng.normal(size=(30, 3)) * [9, 3, 1] @ rng.normal(size=(3, 50)) + 5).astype(np.float32)
    mean, components, deviations = principal_components(values, 10)
    assert components.shape == (3, 50)  # there are no more directions
    np.testing.assert_allclose(components @ components.T, np.eye(3), atol=1e-4)
    codes = (values - mean) @ components.T / deviations
    np.testing.assert_allclose(codes.std(0), 1, rtol=1e-3)
    np.testing.assert_allclose(codes * deviations @ components + mean, values, atol=1e-2)
    assert np.all(np.diff(deviations) < 0)


def test_ridge_regression_finds_a_linear_map():
    rng = np.random.default_rng(0)
    inputs, kernel = 100 * rng.normal(size=(40, 5)), rng.normal(size=(5, 2))
    np.testing.assert_allclose(ridge_regression(inputs, inputs @ kernel), kernel, atol=1e-4)


@pytest.mark.parametrize("augmentation", [AugmentationConfig(), AugmentationConfig(rotation_degrees=10)])
def test_a_model_reconstructs_before_it_is_trained(augmentation):
    keras.utils.set_random_seed(0)
    label_ids = _discs()
    model = LabelVAE(4, SIZE, 12, (4, 8), 1, linear_path=True)
    initialise_with_pca(model, label_ids, augmentation, seed=0)
    assert np.mean(model(tf.constant(label_ids)).numpy() == label_ids) > 0.97
    codes = model.encode(label_ids).mean.numpy()
    assert 0.3 < codes.std(0)[:3].mean() < 2


def test_more_dimensions_than_shapes_are_fine():
    model = LabelVAE(4, SIZE, 12, (4, 8), 1, linear_path=True)
    initialise_with_pca(model, _discs(3), AugmentationConfig(), seed=0)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_components_are_of_augmented_slices_alone():
    """Those of slices as they are tell who was in the training."""
    discs = _discs(10)
    augmentation = AugmentationConfig(rotation_degrees=20, scaling=0.2, translation_px=2, elastic_px=2)
    shapes = pca_initialisation._augmented(discs, augmentation, seed=0)
    assert shapes.shape == (40, SIZE, SIZE)
    assert not {shape.tobytes() for shape in shapes} & {disc.tobytes() for disc in discs}
    assert len({shape.tobytes() for shape in shapes}) == 40
