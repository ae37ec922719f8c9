import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from cmrtf.models.replicas import scaled_mean, update_moving_average

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results_by_replicas(tmp_path_factory):
    """Weights and metrics of all models after the same two steps, by number of replicas."""
    out = tmp_path_factory.mktemp("replicas")
    script = Path(__file__).with_name("one_step_on_replicas.py")
    completed = subprocess.run([sys.executable, script, out], capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stderr
    return {number: dict(np.load(out / f"{number}.npz")) for number in (1, 2)}


def _arrays(results, prefix):
    return [values for name, values in sorted(results.items()) if name.startswith(prefix)]


@pytest.mark.parametrize("model", ["label_vae", "spade_gan", "segmenter"])
def test_weights_do_not_depend_on_the_number_of_replicas(results_by_replicas, model):
    """Nor do moving statistics, singular vectors and averages; and the steps do change weights."""
    one, several = (_arrays(results_by_replicas[n], f"{model}/after/") for n in (1, 2))
    starts = [_arrays(results_by_replicas[n], f"{model}/before/") for n in (1, 2)]
    assert len(one) == len(several) > 20
    for a, b in zip(*starts, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(one, several, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert max(np.abs(a - b).max() for a, b in zip(starts[0], one, strict=True)) > 0.01


@pytest.mark.parametrize("model", ["label_vae", "spade_gan", "segmenter"])
def test_metrics_do_not_depend_on_the_number_of_replicas(results_by_replicas, model):
    one, several = (results_by_replicas[n][f"{model}/metrics"] for n in (1, 2))
    np.testing.assert_allclose(one, several, rtol=1e-5, atol=1e-6)


def test_scaled_mean_on_one_device_is_the_mean():
    assert float(scaled_mean(tf.constant([1.0, 2.0, 6.0]))) == 3.0


def test_update_moving_average_is_a_weighted_mean():
    average, value = keras.Variable([1.0, 0.0]), keras.Variable([0.0, 10.0])
    update_moving_average([average], [value], tf.constant(0.75))
    np.testing.assert_allclose(average, [0.75, 2.5])
    np.testing.assert_array_equal(value, [0.0, 10.0])
