"""The one place where per-example losses become what a replica differentiates, and EMA is kept."""

from collections.abc import Sequence

import keras
import tensorflow as tf


def scaled_mean(per_example: tf.Tensor) -> tf.Tensor:
    """Mean over this replica's examples divided by the number of replicas.

    Optimizers add gradients up over replicas, so the sum of these is the gradient of the mean over
    the global batch, whatever the number of replicas (they hold equally many examples).
    """
    return tf.reduce_mean(per_example) / tf.distribute.get_strategy().num_replicas_in_sync


def update_moving_average(
    averages: Sequence[keras.Variable], values: Sequence[keras.Variable], decay: tf.Tensor
) -> None:
    """`average <- decay * average + (1 - decay) * value` for mirrored variables, from `train_step`."""

    def update(strategy: tf.distribute.Strategy) -> None:
        for average, value in zip(averages, values, strict=True):
            strategy.extended.update(
                average.value, lambda a, v: a.assign_sub((a - v) * (1.0 - decay)), args=(value.value,)
            )

    tf.distribute.get_replica_context().merge_call(update)
