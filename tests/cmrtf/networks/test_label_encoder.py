import numpy as np

from cmrtf.networks.gaussian import Gaussian
from cmrtf.networks.label_encoder import LabelEncoder

LABEL_MAP = np.eye(4, dtype=np.float32)[np.random.default_rng(0).integers(0, 4, (2, 16, 16))]


def test_as_a_layer(check_layer):
    """Two stages of two blocks of three weights and two averages, and a dense layer."""
    config = {"latent_dim": 3, "widths": (4, 8), "depth": 2}
    network = check_layer(LabelEncoder, config, [LABEL_MAP], [(2, 3), (2, 3)], (4 * 3 + 2, 4 * 2))
    assert isinstance(network(LABEL_MAP), Gaussian)
    assert network.flat_size == 4 * 4 * 8


def test_depth_one_only_halves():
    network = LabelEncoder(3, (4, 8, 8), depth=1)
    network(LABEL_MAP)
    assert [block.resize for block in network.blocks] == ["down"] * 3
    assert network.flat_size == 2 * 2 * 8
