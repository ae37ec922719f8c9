import numpy as np
import tensorflow as tf

from cmrtf.networks.gaussian import Gaussian


def test_parameters_are_mean_then_log_variance():
    posterior = Gaussian.from_parameters(tf.constant([[1.0, 2.0, -0.5, 0.5]]))
    np.testing.assert_array_equal(posterior.mean, [[1, 2]])
    np.testing.assert_array_equal(posterior.log_variance, [[-0.5, 0.5]])


def test_parameters_become_float32_and_log_variance_is_clipped():
    posterior = Gaussian.from_parameters(tf.constant([[100.0, 100.0], [0.0, -100.0]], tf.bfloat16))
    assert posterior.mean.dtype == posterior.log_variance.dtype == tf.float32
    np.testing.assert_array_equal(posterior.mean, [[100], [0]])
    np.testing.assert_array_equal(posterior.log_variance, [[8], [-12]])


def test_split_cuts_the_batch_into_equal_parts():
    values = tf.reshape(tf.range(12.0), (6, 2))
    first, second, third = Gaussian(values, -values).split(3)
    np.testing.assert_array_equal(first.mean, values[:2])
    np.testing.assert_array_equal(second.log_variance, -values[2:4])
    np.testing.assert_array_equal(third.mean, values[4:])


def test_sample_is_mean_plus_noise_times_standard_deviation():
    posterior = Gaussian(tf.constant([[1.0, 2.0]]), tf.math.log(tf.constant([[4.0, 0.25]])))
    np.testing.assert_allclose(posterior.sample(tf.constant([[1.0, -2.0]])), [[3.0, 1.0]], rtol=1e-6)


def test_kl_to_the_standard_normal_against_an_integral():
    """On a fine grid; zero where both distributions are the same."""
    mean, stddev = 0.7, 0.5
    x = np.linspace(-12, 12, 200_001)
    density = np.exp(-0.5 * ((x - mean) / stddev) ** 2) / (stddev * np.sqrt(2 * np.pi))
    log_ratio = -0.5 * ((x - mean) / stddev) ** 2 - np.log(stddev) + 0.5 * x**2
    expected = np.trapezoid(density * log_ratio, x)
    posterior = Gaussian(tf.constant([[mean, 0.0]]), tf.constant([[2 * np.log(stddev), 0.0]], tf.float32))
    np.testing.assert_allclose(posterior.kl(), [[expected, 0.0]], rtol=1e-5, atol=1e-7)
