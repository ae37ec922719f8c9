import numpy as np

from cmrtf.networks.patch_discriminator import PatchDiscriminator

INPUTS = np.random.default_rng(0).normal(size=(2, 16, 16, 5)).astype(np.float32)


def test_as_a_layer(check_layer):
    """Stride 2 save for the last two convolutions; two weights and a `u` for each."""
    shapes = [(2, 8, 8, 4), (2, 4, 4, 8), (2, 4, 4, 16), (2, 4, 4, 1)]
    check_layer(PatchDiscriminator, {"base_width": 4, "num_layers": 3}, [INPUTS], shapes, (8, 4))


def test_widths_double_up_to_eight_times():
    network = PatchDiscriminator(2, 6)
    assert [convolution.filters for convolution in network.convolutions] == [2, 4, 8, 16, 16, 16]


def test_features_have_passed_the_leaky_relu_and_logits_have_not():
    *features, logits = PatchDiscriminator(8, 2)(INPUTS)
    for values in features:
        # Spectral normalisation keeps values small; a fifth of the negative ones is left.
        assert -float(np.min(values)) < 0.5 * float(np.max(values))
    assert logits.shape[-1] == 1
