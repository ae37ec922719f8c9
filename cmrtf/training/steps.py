"""One training step: the same on one device, on several, and on several machines."""

import contextlib
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf

from cmrtf.training.finite import are_finite


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
