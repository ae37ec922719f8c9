import numpy as np
import pytest

from cmrtf.networks.contrast_encoder import ContrastEncoder
from cmrtf.networks.gaussian import Gaussian
from layer_checks import check_layer


def _images(count, size):
    return np.random.default_rng(0).uniform(-1, 1, (count, size, size, 1)).astype(np.float32)


@pytest.mark.parametrize(("image_size", "halvings"), [(16, 1), (32, 2)])
def test_layer_checks(image_size, halvings):
    """A kernel per halving, a scale and an offset between two, and a dense layer."""
    config = {"contrast_dim": 3, "base_width": 8, "image_size": image_size}
    images = _images(2, image_size)
    network = check_layer(ContrastEncoder, config, [images], [(2, 3), (2, 3)], (3 * halvings, 0))
    assert isinstance(network(images), Gaussian)
    assert network.to_parameters.kernel.shape[0] == 2 * (1 + 8 * (2**halvings - 1))


def test_code_does_not_depend_on_the_batch():
    """In training neither: the network has group normalisation only."""
    images, network = _images(3, 16), ContrastEncoder(3, 8, 16)
    np.testing.assert_allclose(network(images).mean[1:2], network(images[1:2]).mean, atol=1e-5)


def test_code_does_not_say_where_a_texture_lies():
    texture = _images(1, 16)
    here, there = np.zeros((2, 1, 128, 128, 1), np.float32)
    here[:, 16:32, 24:40], there[:, 80:96, 56:72] = texture, texture
    network = ContrastEncoder(3, 8, 128)
    np.testing.assert_allclose(network(here).mean, network(there).mean, atol=1e-5)
    assert np.abs(network(here).mean - network(2.0 * here).mean).max() > 1e-3
