import numpy as np
import pytest
import tensorflow as tf

from cmrtf.losses import hinge_discriminator_loss, hinge_generator_loss


def _logits(*values, side=2):
    """One example per value, the same logit everywhere."""
    return tf.constant(
        np.broadcast_to(np.reshape(values, (-1, 1, 1, 1)), (len(values), side, side, 1)), tf.float32
    )


def test_discriminator_loss_is_zero_beyond_the_margins():
    loss = hinge_discriminator_loss([_logits(0.0, 1.0, 2.0, -1.0)], [_logits(0.0, -1.0, -3.0, 1.0)])
    np.testing.assert_allclose(loss, [2.0, 0.0, 0.0, 4.0])


def test_generator_loss_is_minus_the_logit():
    np.testing.assert_allclose(hinge_generator_loss([_logits(2.0, -0.5)]), [-2.0, 0.5])


def test_logits_are_averaged_over_pixels_then_over_scales():
    """The relu comes first: logits of 3 and -1 do not cancel."""
    first = tf.reshape(tf.constant([3.0, -1.0, 3.0, -1.0]), (1, 2, 2, 1))
    second = _logits(0.0, side=1)
    np.testing.assert_allclose(
        hinge_discriminator_loss([first, second], [first, second]), [(1 + 2 + 1 + 1) / 2]
    )
    np.testing.assert_allclose(hinge_generator_loss([first, second]), [-0.5])


def test_bfloat16_logits_give_a_float32_loss():
    logits = [tf.cast(_logits(0.5), tf.bfloat16)]
    assert hinge_generator_loss(logits).dtype == hinge_discriminator_loss(logits, logits).dtype == tf.float32


def test_real_and_fake_must_have_the_same_scales():
    with pytest.raises(ValueError, match="zip"):
        hinge_discriminator_loss([_logits(0.0)], [])
