import numpy as np
import pytest

from cmrtf.networks.gaussian import Gaussian
from cmrtf.networks.style_encoder import StyleEncoder
from layer_checks import check_layer


@pytest.mark.parametrize(("image_size", "halvings"), [(16, 1), (32, 2)])
def test_layer_checks(image_size, halvings):
    """A kernel, a scale and an offset per halving, and a dense layer."""
    image = np.random.default_rng(0).uniform(-1, 1, (2, image_size, image_size, 1)).astype(np.float32)
    config = {"style_dim": 3, "base_width": 8, "image_size": image_size}
    network = check_layer(StyleEncoder, config, [image], [(2, 3), (2, 3)], (3 * halvings + 2, 0))
    assert isinstance(network(image), Gaussian)
    assert network.to_parameters.kernel.shape[0] == 8 * 8 * 8 * 2 ** (halvings - 1)


def test_code_does_not_depend_on_the_batch():
    """In training neither: the network has group normalisation only."""
    image = np.random.default_rng(0).uniform(-1, 1, (3, 16, 16, 1)).astype(np.float32)
    network = StyleEncoder(3, 8, 16)
    np.testing.assert_allclose(network(image).mean[1:2], network(image[1:2]).mean, atol=1e-5)
