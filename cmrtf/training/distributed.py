"""The devices and machines that a training runs on, and one step on all of them.

The step is the same on one device, on several, and on several machines. It looks for NaN and infinity, which
an optimizer would spread over all weights.
"""

import contextlib
import functools
import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence

import keras
import tensorflow as tf

from cmrtf.errors import CmrtfError
from cmrtf.training.precision import BFLOAT16, FLOAT32, has_bfloat16_instructions

logger = logging.getLogger(__name__)

WHEN_NOT_FINITE = (
    "The same settings come to the same point again: start another run with a lower learning rate, or in "
    "precision float32 if it was mixed_bfloat16."
)


@functools.cache
def mirrored_strategy() -> tf.distribute.Strategy:
    """All GPUs, or the CPU, of this machine or of all in `TF_CONFIG`; the same object for a whole process.

    The collective operations of a second strategy would use the keys of the first's: on two devices
    or more its first step stops with "Shape mismatch in the collective instance".

    Raises:
        CmrtfError: `TF_CONFIG` does not describe this process.
    """
    if "TF_CONFIG" not in os.environ:
        return tf.distribute.MirroredStrategy()
    try:
        if not isinstance(json.loads(os.environ["TF_CONFIG"]), dict):  # which TensorFlow would pass over
            raise TypeError("no JSON object")
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CmrtfError(
            'TF_CONFIG: expected {"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", '
            '"index": 0}}, the index another on each machine. '
            f"Received: {os.environ['TF_CONFIG']} ({error})."
        ) from error


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return True
    chief = ("chief" if "chief" in resolver.cluster_spec().jobs else "worker", 0)
    return (resolver.task_type, resolver.task_id) == chief


def warn_of_emulation(precision: str, strategy: tf.distribute.Strategy) -> None:
    """Say so where a training will take many times as long as it needs to."""
    on_processor = all("CPU" in device for device in strategy.extended.worker_devices)
    if precision == BFLOAT16 and on_processor and not has_bfloat16_instructions():
        logger.warning(
            "precision %s on a processor that has no instructions for it takes many times as long as %s.",
            BFLOAT16,
            FLOAT32,
        )


def check_batch_size(batch_size: int, strategy: tf.distribute.Strategy) -> None:
    """Every device must get the same number of slices, or the mean over them is not that of the batch.

    Raises:
        CmrtfError: the batch cannot be shared out evenly.
    """
    if batch_size % strategy.num_replicas_in_sync:
        raise CmrtfError(
            f"batch_size must be a multiple of the number of devices. "
            f"Received: batch_size={batch_size} on {strategy.num_replicas_in_sync} devices."
        )


def any_of_all(strategy: tf.distribute.Strategy, flag: bool) -> bool:
    """Whether `flag` is set on any machine; returns once all machines have asked."""
    if "TF_CONFIG" not in os.environ:
        return flag
    return bool(_sum_over_replicas(strategy)(tf.constant(int(flag))).numpy())


@functools.cache
def _sum_over_replicas(strategy: tf.distribute.Strategy) -> tf.types.experimental.PolymorphicFunction:
    return tf.function(
        lambda value: strategy.reduce("SUM", strategy.run(tf.identity, (value,)), axis=None),
        autograph=False,
    )


def copy_from_chief(strategy: tf.distribute.Strategy, variables: Sequence[keras.Variable]) -> None:
    """Give all machines the chief's values: another kind of processor computes other last bits."""
    if "TF_CONFIG" not in os.environ:
        return

    def of_first_replica(value: tf.Tensor) -> tf.Tensor:
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        return tf.where(tf.equal(replica, 0), value, tf.zeros_like(value))

    @tf.function(autograph=False, reduce_retracing=True)
    def copy(value: tf.Tensor) -> tf.Tensor:
        return strategy.reduce("SUM", strategy.run(of_first_replica, (value,)), axis=None)

    for variable in variables:
        # A tensor: a function that was traced for one variable would return it for all of its shape.
        variable.assign(copy(tf.convert_to_tensor(variable.value)))


def step_function(model: keras.Model, batches: tf.data.Dataset) -> Callable[[], str | None]:
    """A function that trains on the next batch and names the first tensor that is not finite, if any.

    Losses come first, the terms before their sum; then weights, which is where a gradient that is not
    finite goes.

    Args:
        model: compiled, built inside its strategy's scope; `train_step` returns its `metrics` by name.
        batches: of the global batch size, in order.
    """
    strategy = model.distribute_strategy
    weights = model.trainable_weights
    losses = [f"the loss {metric.name}" for metric in model.metrics]
    names = losses + [f"the weights {weight.path}" for weight in weights]
    order = sorted(range(len(names)), key=lambda number: names[number] == "the loss loss")

    def replica_step(batch: dict[str, tf.Tensor]) -> tf.Tensor:
        return tf.stack(list(model.train_step(batch).values()))

    @tf.function(autograph=False)
    def take(iterator: tf.distribute.DistributedIterator) -> tf.Tensor:
        means = strategy.run(replica_step, (next(iterator),))
        means = strategy.reduce(tf.distribute.ReduceOp.MEAN, means, axis=None)
        return tf.concat([tf.math.is_finite(means), are_finite([weight.value for weight in weights])], 0)

    iterator = iter(strategy.experimental_distribute_dataset(batches))

    def step() -> str | None:
        finite = take(iterator).numpy()
        return next((names[number] for number in order if not finite[number]), None)

    return step


@contextlib.contextmanager
def without_remapping() -> Iterator[None]:
    """Train without TensorFlow's remapper, which comes back for inference in the same process.

    That of TF 2.18 to 2.21 fails on the gradient of a fused leaky ReLU: it then does nothing, at length.
    """
    tf.config.optimizer.set_experimental_options({"remapping": False})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({"remapping": True})


def are_finite(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """`(len(tensors),)` bool: which tensors hold neither NaN nor infinity.

    A sum is one pass that leaves no copy: 13 ms of CPU for the 56 million weights of preset `paper`. It
    is finite exactly where its terms are, but for terms near the largest float32, which are beyond hope.
    """
    return tf.math.is_finite(tf.stack([tf.cast(tf.reduce_sum(tensor), tf.float32) for tensor in tensors]))


def not_finite_error(where: object, step: int, name: str) -> CmrtfError:
    """What to raise when `name` is the first tensor that is not finite."""
    return CmrtfError(
        f"{where}: expected finite numbers in step {step}. "
        f"Received: NaN or infinity, first in {name}. {WHEN_NOT_FINITE}"
    )
