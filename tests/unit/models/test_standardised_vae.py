import keras
import numpy as np
import pytest

from cmrtf.errors import FileError
from cmrtf.models.label_vae import LabelVAE
from cmrtf.models.standardised_vae import SPREAD, StandardisedVAE

SLICES = np.random.default_rng(0).integers(0, 4, (24, 16, 16)).astype(np.uint8)


@pytest.fixture(scope="module")
def vae():
    """Its codes are far from standard normal."""
    keras.utils.set_random_seed(0)
    model = LabelVAE(4, 16, 3, (4, 8), 1)
    kernel, bias = model.encoder.to_parameters.get_weights()
    bias[:3] += [5.0, -2.0, 0.5]
    bias[3:] += [-3.0, -1.0, 0.3]
    model.encoder.to_parameters.set_weights([20.0 * kernel, bias])
    return model


@pytest.fixture(scope="module")
def standardised(vae):
    return StandardisedVAE.fit(vae, [SLICES[:10], SLICES[10:]])


def test_codes_of_the_slices_have_mean_zero_and_equal_variances(standardised):
    codes = np.array(standardised.encode(SLICES).mean)
    np.testing.assert_allclose(codes.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(codes.T @ codes / len(codes) * SPREAD**2, np.eye(3), atol=1e-3)


def test_variances_are_those_of_single_coordinates(vae, standardised):
    posterior, ours = vae.encode(SLICES[:1]), standardised.encode(SLICES[:1])
    noise = np.random.default_rng(0).normal(size=(20_000, 3))
    samples = posterior.mean + np.exp(np.array(posterior.log_variance) / 2) * noise
    codes = (np.array(samples) - standardised.mean) @ standardised.inverse.T
    np.testing.assert_allclose(codes.mean(axis=0), ours.mean[0], atol=0.1)
    np.testing.assert_allclose(codes.var(axis=0), np.exp(ours.log_variance[0]), rtol=0.05)


def test_dimensions_that_no_slice_uses_stay_finite(vae):
    """As many slices as leave two of three dimensions without variance, and one slice."""
    for slices in (SLICES[:2], SLICES[:1]):
        standardised = StandardisedVAE.fit(vae, [slices])
        posterior = standardised.encode(SLICES)
        assert np.isfinite(posterior.mean).all()
        assert np.isfinite(posterior.log_variance).all()
        logits = vae.decode(vae.encode(slices).mean)
        np.testing.assert_allclose(standardised.decode(standardised.encode(slices).mean), logits, atol=0.05)


def test_the_first_coordinate_varies_most(standardised):
    lengths = np.linalg.norm(standardised.factor, axis=0)
    assert list(lengths) == sorted(lengths, reverse=True)


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_straight_lines_decode_as_before(vae, standardised, weight):
    def between(model):
        a, b = model.encode(SLICES[:2]).mean, model.encode(SLICES[2:4]).mean
        return model.decode(a + weight * (b - a))

    np.testing.assert_allclose(between(standardised), between(vae), atol=1e-3)


def test_coordinates_are_kept_in_a_file(vae, standardised, tmp_path):
    standardised.save(tmp_path / "coordinates.npz")
    read = StandardisedVAE.load(vae, tmp_path / "coordinates.npz")
    np.testing.assert_array_equal(read.encode(SLICES).mean, standardised.encode(SLICES).mean)


def test_a_file_of_something_else_is_named(vae, tmp_path):
    np.savez(tmp_path / "coordinates.npz", mean=np.zeros(3, np.float32))
    with pytest.raises(FileError, match=r"coordinates\.npz"):
        StandardisedVAE.load(vae, tmp_path / "coordinates.npz")
