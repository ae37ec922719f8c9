"""Reductions over replicas: the mean of a loss, and the moving average of weights."""

from collections.abc import Sequence

import keras
import tensorflow as tf


def scaled_mean(per_example: tf.Tensor) -> tf.Tensor:
    """Mean over the examples of this replica, divided by the number of replicas.

    The only reduction of losses. Optimizers sum gradients over replicas, and replicas hold equally
    many examples, so the sum is the gradient of the mean over the global batch.

    Args:
        per_example: `(batch of the replica,)`.

    Returns:
        scalar.
    """
    return tf.reduce_mean(per_example) / tf.distribute.get_strategy().num_replicas_in_sync


def update_moving_average(
    averages: Sequence[keras.Variable], values: Sequence[keras.Variable], decay: tf.Tensor
) -> None:
    """`average <- decay * average + (1 - decay) * value`; call it from `train_step`, in replica context.

    Args:
        averages: variables to update.
        values: variables to average, in the same order.
        decay: scalar in [0, 1].
    """

    def update(strategy: tf.distribute.Strategy) -> None:
        for average, value in zip(averages, values, strict=True):
            strategy.extended.update(
                average.value, lambda a, v: a.assign_sub((a - v) * (1.0 - decay)), args=(value.value,)
            )

    tf.distribute.get_replica_context().merge_call(update)
