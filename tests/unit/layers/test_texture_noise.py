import numpy as np
import pytest
import tensorflow as tf

from cmrtf.layers.texture_noise import LENGTH_SCALE, TextureNoise
from layer_checks import check_layer

SIZE = 64


def _styles(count=4, scale=1.0):
    return scale * np.random.default_rng(0).normal(size=(count, 16)).astype(np.float32)


def _built(seed=0, channels=2):
    layer = TextureNoise(seed)
    layer.build((None, SIZE, SIZE, channels), (None, 16))
    return layer


def _correlation(a, b):
    return np.corrcoef(a, b)[0, 1]


def test_layer_checks():
    inputs = np.random.default_rng(1).normal(size=(4, 8, 8, 3)).astype(np.float32)
    check_layer(TextureNoise, {"seed": 0}, [inputs, _styles()], [(4, 8, 8, 3)], (1, 2))


def test_nothing_is_added_at_first():
    inputs = np.random.default_rng(1).normal(size=(4, SIZE, SIZE, 2)).astype(np.float32)
    np.testing.assert_array_equal(_built()(inputs, _styles()), inputs)


def test_each_channel_gets_the_same_noise_by_its_strength():
    layer = _built()
    layer.strength.assign([2.0, -1.0])
    added = layer(np.zeros((4, SIZE, SIZE, 2), np.float32), _styles()).numpy()
    noise = layer.noise(_styles()).numpy().reshape(4, SIZE, SIZE)
    np.testing.assert_allclose(added[..., 0], 2.0 * noise, rtol=1e-6)
    np.testing.assert_allclose(added[..., 1], -noise, rtol=1e-6)


def test_noise_is_white_and_of_variance_one():
    noise = _built().noise(_styles(scale=3.0)).numpy().reshape(-1, SIZE, SIZE)
    np.testing.assert_allclose(noise.std(axis=(1, 2)), 1.0, atol=0.06)
    for image in noise:
        for axis in (0, 1):
            neighbour = np.roll(image, 1, axis)
            assert abs(_correlation(image.ravel(), neighbour.ravel())) < 5.0 / SIZE


@pytest.mark.parametrize(
    ("distance", "lowest", "highest"), [(0.1, 0.6, 1.0), (1.0, 0.2, 0.98), (20.0, -0.75, 0.75)]
)
def test_noise_of_close_styles_is_alike_and_of_distant_ones_is_not(distance, lowest, highest):
    """Over 64 pairs of styles, `distance` in units of the length scale."""
    generator = np.random.default_rng(2)
    style = generator.normal(size=(64, 16))
    step = generator.normal(size=(64, 16))
    step *= distance * LENGTH_SCALE / np.linalg.norm(step, axis=-1, keepdims=True)
    layer = _built()
    pairs = zip(
        layer.noise(style.astype(np.float32)).numpy(),
        layer.noise((style + step).astype(np.float32)).numpy(),
        strict=True,
    )
    correlations = [_correlation(*pair) for pair in pairs]
    assert lowest < min(correlations)
    assert max(correlations) < highest
    assert np.mean(correlations) == pytest.approx(np.exp(-(distance**2) / 2), abs=0.15)


def test_no_gradient_flows_into_the_style():
    layer = _built()
    layer.strength.assign([1.0, 1.0])
    style = tf.constant(_styles())
    with tf.GradientTape() as tape:
        tape.watch(style)
        image = layer(tf.zeros((4, SIZE, SIZE, 2)), style)
    assert tape.gradient(image, style) is None


def test_layers_of_other_seeds_have_other_noise():
    first, second = (_built(seed).noise(_styles(1)).numpy()[0] for seed in (0, 1))
    assert abs(_correlation(first, second)) < 5.0 / SIZE
