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


def test_features_behind_the_first_convolution_are_normalised_for_each_image_and_channel():
    """So that logits keep their size however small spectral normalisation makes what comes before."""
    first, *others, _ = PatchDiscriminator(4, 3)(100.0 * INPUTS)
    for values in (np.array(features) for features in others):
        before_relu = np.where(values > 0, values, values / 0.2)
        np.testing.assert_allclose(before_relu.mean(axis=(1, 2)), 0.0, atol=1e-4)
        np.testing.assert_allclose(before_relu.std(axis=(1, 2)), 1.0, atol=1e-2)
    assert np.std(first) > 2.0, "brightness and contrast are seen by the first"
