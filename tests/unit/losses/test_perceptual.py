import keras
import numpy as np
import pytest
import tensorflow as tf

from cmrtf.errors import CmrtfError
from cmrtf.losses import PerceptualLoss


def test_missing_weight_file_is_an_error(tmp_path):
    with pytest.raises(
        CmrtfError, match=r"vgg\.h5: expected a VGG19 weight file without top, but there is none"
    ):
        PerceptualLoss(tmp_path / "vgg.h5")


def test_file_that_is_not_hdf5_is_an_error(tmp_path):
    path = tmp_path / "vgg.h5"
    path.write_bytes(b"not an HDF5 file")
    with pytest.raises(CmrtfError, match=r"vgg\.h5: expected VGG19 weights without top, but Keras says"):
        PerceptualLoss(path)


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_weights_of_another_network_are_an_error(tmp_path):
    path = tmp_path / "other.weights.h5"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save_weights(path)
    with pytest.raises(CmrtfError, match=r"other\.weights\.h5"):
        PerceptualLoss(path)


def test_loss_compares_features_and_has_no_gradient_to_real(tmp_path):
    path = tmp_path / "vgg.weights.h5"
    keras.applications.VGG19(include_top=False, weights=None).save_weights(path)
    loss = PerceptualLoss(path)
    rng = np.random.default_rng(0)
    real, fake = (tf.Variable(rng.uniform(-1, 1, (2, 32, 32, 1)), dtype=tf.float32) for _ in range(2))
    np.testing.assert_allclose(loss(real, real), [0, 0], atol=1e-6)
    with tf.GradientTape() as tape:
        value = loss(real, fake)
    to_real, to_fake = tape.gradient(value, [real, fake])
    assert value.shape == (2,)
    assert (value.numpy() > 0).all()
    assert to_real is None
    assert np.abs(to_fake).max() > 0


def test_grey_values_become_mean_free_bgr():
    black, white = (PerceptualLoss._to_bgr(tf.fill((1, 1, 1, 1), value))[0, 0, 0] for value in (-1.0, 1.0))
    np.testing.assert_allclose(black, [-103.939, -116.779, -123.68], rtol=1e-6)
    np.testing.assert_allclose(white - black, [255, 255, 255], rtol=1e-6)
