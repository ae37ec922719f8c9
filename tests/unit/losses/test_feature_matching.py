import numpy as np
import tensorflow as tf

from cmrtf.losses import feature_matching_loss


def _features(seed):
    """Two scales of two layers."""
    rng = np.random.default_rng(seed)
    return [
        [tf.constant(rng.normal(size=(3, side, side, channels)), tf.float32) for channels in (2, 5)]
        for side in (4, 2)
    ]


def test_equal_features_have_no_loss():
    np.testing.assert_array_equal(feature_matching_loss(_features(0), _features(0)), [0, 0, 0])


def test_layers_are_summed_and_scales_averaged_as_in_spade():
    real, fake = _features(0), _features(1)
    by_scale = [
        np.sum([np.abs(r - f).mean((1, 2, 3)) for r, f in zip(rs, fs, strict=True)], axis=0)
        for rs, fs in zip(real, fake, strict=True)
    ]
    expected = np.mean(by_scale, axis=0)
    np.testing.assert_allclose(feature_matching_loss(real, fake), expected, rtol=1e-5)


def test_no_gradient_flows_into_real_features():
    real, fake = tf.Variable(_features(0)[0][0]), tf.Variable(_features(1)[0][0])
    with tf.GradientTape() as tape:
        loss = feature_matching_loss([[real]], [[fake]])
    to_real, to_fake = tape.gradient(loss, [real, fake])
    assert to_real is None
    expected = np.sign(fake.numpy() - real.numpy()) / real[0].numpy().size
    np.testing.assert_allclose(to_fake, expected, rtol=1e-5)
