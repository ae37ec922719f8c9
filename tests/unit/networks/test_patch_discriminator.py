import numpy as np

from cmrtf.networks.patch_discriminator import PatchDiscriminator
from layer_checks import check_layer

INPUTS = np.random.default_rng(0).normal(size=(2, 16, 16, 5)).astype(np.float32)


def test_layer_checks():
    """Stride 2 save for the last two convolutions; two weights and a `u` for each."""
    shapes = [(2, 8, 8, 4), (2, 4, 4, 8), (2, 4, 4, 16), (2, 4, 4, 1)]
    check_layer(PatchDiscriminator, {"base_width": 4, "num_layers": 3}, [INPUTS], shapes, (8, 4))


def test_a_last_stride_of_two_halves_once_more_with_the_same_weights():
    config = {"base_width": 4, "num_layers": 3, "last_stride": 2}
    shapes = [(2, 8, 8, 4), (2, 4, 4, 8), (2, 2, 2, 16), (2, 2, 2, 1)]
    check_layer(PatchDiscriminator, config, [INPUTS], shapes, (8, 4))


def test_channels_double_up_to_eight_times():
    network = PatchDiscriminator(2, 6)
    assert [convolution.filters for convolution in network.convolutions] == [2, 4, 8, 16, 16, 16]


def test_features_have_passed_the_leaky_relu():
    *features, logits = PatchDiscriminator(8, 2)(INPUTS)
    for values in features:
        # The leaky ReLU scales negative values by a fifth.
        assert -float(np.min(values)) < 0.5 * float(np.max(values))
    assert logits.shape[-1] == 1


def test_features_after_the_first_convolution_are_instance_normalised():
    """So logits keep their size although spectral normalisation shrinks features."""
    first, *others, _ = PatchDiscriminator(4, 3)(100.0 * INPUTS)
    for values in (np.array(features) for features in others):
        before_relu = np.where(values > 0, values, values / 0.2)
        np.testing.assert_allclose(before_relu.mean(axis=(1, 2)), 0.0, atol=1e-4)
        np.testing.assert_allclose(before_relu.std(axis=(1, 2)), 1.0, atol=1e-2)
    assert np.std(first) > 2.0, "the first layer keeps brightness and contrast"
