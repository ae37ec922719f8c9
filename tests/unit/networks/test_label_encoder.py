import keras
import numpy as np

from cmrtf.networks.gaussian import Gaussian
from cmrtf.networks.label_encoder import LabelEncoder
from layer_checks import check_layer

LABEL_MAP = np.eye(4, dtype=np.float32)[np.random.default_rng(0).integers(0, 4, (2, 16, 16))]


def test_layer_checks():
    """Two stages of two blocks of three weights and two averages, and a dense layer."""
    config = {"latent_dim": 3, "widths": (4, 8), "depth": 2}
    network = check_layer(LabelEncoder, config, [LABEL_MAP], [(2, 3), (2, 3)], (4 * 3 + 2, 4 * 2))
    assert isinstance(network(LABEL_MAP), Gaussian)
    assert network.flat_size == 4 * 4 * 8


def test_depth_one_has_only_strided_convolutions():
    network = LabelEncoder(3, (4, 8, 8), depth=1)
    network(LABEL_MAP)
    assert [block.resize for block in network.blocks] == ["down"] * 3
    assert network.flat_size == 2 * 2 * 8


def test_a_bottleneck_is_two_linear_layers_before_the_code():
    """Two kernels and two biases more."""
    config = {"latent_dim": 3, "widths": (4, 8), "depth": 1, "bottleneck_dim": 5}
    network = check_layer(LabelEncoder, config, [LABEL_MAP], [(2, 3), (2, 3)], (2 * 3 + 2 + 4, 2 * 2))
    assert network.bottleneck[0].kernel.shape == (4 * 4 * 8, 5)
    assert network.to_parameters.kernel.shape == (5, 6)


def test_initial_mean_is_that_of_the_pca_skip_connection():
    keras.utils.set_random_seed(0)
    network = LabelEncoder(3, (4, 8), depth=1, linear_path=True)
    posterior = network(LABEL_MAP)
    shares = LABEL_MAP.reshape(2, 4, 4, 4, 4, 4).mean((2, 4)).reshape(2, -1)
    np.testing.assert_allclose(network.class_shares(LABEL_MAP), shares, atol=1e-6)
    kernel, bias = network.linear.get_weights()
    np.testing.assert_allclose(posterior.mean, shares @ kernel + bias, atol=1e-5)
    assert not np.any(posterior.log_variance)
