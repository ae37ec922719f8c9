import json
from types import SimpleNamespace

import pytest
import tensorflow as tf

from cmrtf.errors import CmrtfError
from cmrtf.training.distributed import check_batch_size, is_chief, mirrored_strategy


@pytest.mark.parametrize(("batch_size", "devices"), [(8, 1), (8, 4), (3, 3)])
def test_a_batch_that_can_be_shared_out(batch_size, devices):
    check_batch_size(batch_size, SimpleNamespace(num_replicas_in_sync=devices))


@pytest.mark.parametrize(("batch_size", "devices"), [(8, 3), (2, 4)])
def test_a_batch_that_cannot_be_shared_out_evenly(batch_size, devices):
    message = f"multiple of the number of devices. Received: batch_size={batch_size} on {devices} devices"
    with pytest.raises(CmrtfError, match=message):
        check_batch_size(batch_size, SimpleNamespace(num_replicas_in_sync=devices))


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


@pytest.mark.parametrize("text", ["{", '{"cluster": {"worker": ["a:1", "b:1"]}}'])
def test_a_foreign_description_of_the_machines_is_refused(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(CmrtfError, match=r'TF_CONFIG: expected {"cluster": .*Received: '):
        mirrored_strategy.__wrapped__()
