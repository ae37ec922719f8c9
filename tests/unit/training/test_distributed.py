import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from cmrtf.errors import CmrtfError
from cmrtf.training import distributed
from cmrtf.training.distributed import (
    are_finite,
    check_batch_size,
    is_chief,
    mirrored_strategy,
    step_function,
    warn_of_emulation,
)


@pytest.mark.parametrize(("batch_size", "devices"), [(8, 1), (8, 4), (3, 3)])
def test_a_batch_that_can_be_shared_out(batch_size, devices):
    check_batch_size(batch_size, SimpleNamespace(num_replicas_in_sync=devices))


@pytest.mark.parametrize(("batch_size", "devices"), [(8, 3), (2, 4)])
def test_a_batch_that_cannot_be_shared_out_evenly(batch_size, devices):
    message = f"multiple of the number of devices. Received: batch_size={batch_size} on {devices} devices"
    with pytest.raises(CmrtfError, match=message):
        check_batch_size(batch_size, SimpleNamespace(num_replicas_in_sync=devices))


@pytest.mark.parametrize(
    ("policy", "has_instructions", "device", "warned"),
    [
        ("mixed_bfloat16", False, "CPU", True),
        ("mixed_bfloat16", True, "CPU", False),
        ("float32", False, "CPU", False),
        ("mixed_bfloat16", False, "GPU", False),
    ],
)
def test_a_processor_that_must_emulate_bfloat16_is_named(
    monkeypatch, caplog, policy, has_instructions, device, warned
):
    monkeypatch.setattr(distributed, "has_bfloat16_instructions", lambda: has_instructions)
    devices = (f"/job:localhost/replica:0/task:0/device:{device}:0",)
    warn_of_emulation(policy, SimpleNamespace(extended=SimpleNamespace(worker_devices=devices)))
    assert ("has no instructions for it" in caplog.text) is warned


WORKERS = {"worker": ["a:1", "b:1"]}


@pytest.mark.parametrize(
    ("cluster", "task", "expected"),
    [
        (WORKERS, ("worker", 0), True),
        (WORKERS, ("worker", 1), False),
        (WORKERS | {"chief": ["c:1"]}, ("chief", 0), True),
        (WORKERS | {"chief": ["c:1"]}, ("worker", 0), False),
    ],
)
def test_the_chief_is_the_one_called_so_or_else_the_first_worker(monkeypatch, cluster, task, expected):
    config = {"cluster": cluster, "task": dict(zip(("type", "index"), task, strict=True))}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    assert is_chief(SimpleNamespace(cluster_resolver=resolver)) is expected


def test_alone_one_is_the_chief():
    assert is_chief(tf.distribute.MirroredStrategy(["CPU:0"]))


@pytest.mark.parametrize("text", ["{", "[]", '{"cluster": {"worker": ["a:1", "b:1"]}}'])
def test_a_foreign_description_of_the_machines_is_refused(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(CmrtfError, match=r'TF_CONFIG: expected {"cluster": .*Received: '):
        mirrored_strategy.__wrapped__()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_are_finite_names_each_tensor_with_nan_or_infinity(bad):
    tensors = [tf.constant([1.0, 2.0]), tf.constant([[1.0, bad]]), tf.constant(3.0)]
    assert are_finite(tensors).numpy().tolist() == [True, False, True]


class Line(keras.Model):
    """`y = weight * x`, trained on a fit and a penalty; a batch is `x`, and what its terms are times."""

    def __init__(self):
        super().__init__()
        self.weight = self.add_weight(name="weight", shape=(), initializer="ones")
        self.trackers = {name: keras.metrics.Mean(name) for name in ("loss", "fit", "penalty")}
        self.built = True

    @property
    def metrics(self):
        return list(self.trackers.values())

    def train_step(self, batch):
        terms = {"fit": batch["x"] * self.weight, "penalty": batch["times"] * self.weight}
        self.weight.assign_sub(0.1 * tf.reduce_mean(batch["x"]) * tf.reduce_mean(batch["slope"]))
        for name, value in ({"loss": terms["fit"] + terms["penalty"]} | terms).items():
            self.trackers[name].update_state(value)
        return self.get_metrics_result()


def _step(x=1.0, times=1.0, slope=1.0):
    batch = {"x": x, "times": times, "slope": slope}
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = Line()
    numbers = {name: np.full((2, 2), value, np.float32) for name, value in batch.items()}
    return model, step_function(model, tf.data.Dataset.from_tensor_slices(numbers))


def test_each_step_takes_the_next_batch_and_metrics_add_up():
    model, step = _step(x=2.0)
    assert step() is None
    assert float(tf.convert_to_tensor(model.weight)) == pytest.approx(0.8)
    assert step() is None
    assert float(model.trackers["fit"].result()) == pytest.approx((2.0 + 1.6) / 2)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_the_term_is_named_not_the_sum_that_it_spoils(bad):
    assert _step(times=bad)[1]() == "the loss penalty"


def test_where_losses_are_finite_the_weights_are_named_that_a_gradient_spoilt():
    model, step = _step(slope=np.nan)
    assert step() == f"the weights {model.weight.path}"
