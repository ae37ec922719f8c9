import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from cmrtf.models.replicas import scaled_mean, update_moving_average


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """By number of logical CPUs, weights and figures of all models after the same two steps."""
    out = tmp_path_factory.mktemp("replicas")
    script = Path(__file__).with_name("one_step_on_replicas.py")
    done = subprocess.run([sys.executable, script, out], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {number: dict(np.load(out / f"{number}.npz")) for number in (1, 2, 4)}


def _of(trained, prefix):
    return [values for name, values in sorted(trained.items()) if name.startswith(prefix)]


@pytest.mark.parametrize("number", [2, 4])
@pytest.mark.parametrize("model", ["label_vae", "spade_gan", "segmenter"])
def test_replicas_train_as_one(trained, model, number):
    """Every weight, moving statistic, power iteration and average; the same start, a step worth the name."""
    one, several = (_of(trained[n], f"{model}/after/") for n in (1, number))
    starts = [_of(trained[n], f"{model}/before/") for n in (1, number)]
    assert len(one) == len(several) > 20
    for a, b in zip(*starts, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(one, several, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert max(np.abs(a - b).max() for a, b in zip(starts[0], one, strict=True)) > 0.01


@pytest.mark.parametrize("number", [2, 4])
@pytest.mark.parametrize("model", ["label_vae", "spade_gan", "segmenter"])
def test_replicas_report_as_one(trained, model, number):
    one, several = (trained[n][f"{model}/figures"] for n in (1, number))
    np.testing.assert_allclose(one, several, rtol=1e-5, atol=1e-6)


def test_on_one_device_the_scaled_mean_is_the_mean():
    assert float(scaled_mean(tf.constant([1.0, 2.0, 6.0]))) == 3.0


def test_the_moving_average_keeps_the_decay_and_takes_the_rest():
    average, value = keras.Variable([1.0, 0.0]), keras.Variable([0.0, 10.0])
    update_moving_average([average], [value], tf.constant(0.75))
    np.testing.assert_allclose(average, [0.75, 2.5])
    np.testing.assert_array_equal(value, [0.0, 10.0])
