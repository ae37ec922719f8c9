"""Per-channel mean and standard deviation of a batch, over all replicas."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="cmrtf")
class BatchStatistics(keras.layers.Layer):
    """Mean and inverse standard deviation of each channel, as batch normalisation uses them.

    The layer does not normalise: `ConvBlock` and `SPADE` fold both into their scale and offset, which
    saves passes over the image. In training the statistics are those of the global batch, reduced over
    replicas, and moving averages are updated. At inference the moving averages are returned, so an
    output does not depend on the rest of the batch.

    Args:
        momentum: share of the old value that a moving average keeps at each training step.
        epsilon: added to the variance.

    Call arguments:
        inputs: `(batch, ..., channels)`.
        training: use the batch and update the moving averages.

    Returns (from `call`):
        `(mean, inverse_stddev)`, each `(channels,)` float32.

    Reference:
        Ioffe and Szegedy, Batch Normalization, ICML 2015 (https://arxiv.org/abs/1502.03167).
    """

    def __init__(self, momentum: float = 0.95, epsilon: float = 1e-5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, input_shape: tuple[Any, ...]) -> None:
        def moving_average(name: str, initializer: str) -> keras.Variable:
            return self.add_weight(
                name=name,
                shape=(input_shape[-1],),
                initializer=initializer,
                trainable=False,
                autocast=False,
                aggregation="mean",
            )

        self.moving_mean = moving_average("moving_mean", "zeros")
        self.moving_variance = moving_average("moving_variance", "ones")

    def call(self, inputs: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        if training:
            mean, variance = self._batch_moments(inputs)
            for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
                average.assign(average * self.momentum + tf.stop_gradient(value) * (1.0 - self.momentum))
        else:
            mean, variance = self.moving_mean.value, self.moving_variance.value
        return tf.convert_to_tensor(mean), tf.math.rsqrt(tf.convert_to_tensor(variance) + self.epsilon)

    def _batch_moments(self, inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean and variance of the global batch, each `(channels,)` float32."""
        # E[x^2] - E[x]^2 needs one sum over replicas, and plain reductions are two to three times
        # faster on a CPU than tf.nn.moments; activations are near enough to zero for it to be precise.
        moments = tf.stack(_two_moments(inputs))
        replica_context = tf.distribute.get_replica_context()
        if replica_context is not None and replica_context.num_replicas_in_sync > 1:
            moments = replica_context.all_reduce("MEAN", moments)
        mean, mean_of_squares = tf.unstack(moments)
        return mean, tf.nn.relu(mean_of_squares - tf.square(mean))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"momentum": self.momentum, "epsilon": self.epsilon}


@tf.custom_gradient
def _two_moments(inputs: tf.Tensor) -> tuple[tuple[tf.Tensor, tf.Tensor], Any]:
    """Means of `inputs` and of their squares over all axes but the last, each `(channels,)` float32.

    The gradient is written by hand because the automatic one broadcasts each `(channels,)` gradient
    to the whole map before it multiplies and adds: twice the passes over memory.
    """
    values = tf.cast(inputs, tf.float32)
    axes = list(range(inputs.shape.rank - 1))

    def gradient(mean_gradient: tf.Tensor, squares_gradient: tf.Tensor) -> tf.Tensor:
        per_element = tf.cast(tf.shape(inputs)[-1], tf.float32) / tf.cast(tf.size(inputs), tf.float32)
        slope, constant = 2.0 * squares_gradient * per_element, mean_gradient * per_element
        return inputs * tf.cast(slope, inputs.dtype) + tf.cast(constant, inputs.dtype)

    return (tf.reduce_mean(values, axes), tf.reduce_mean(tf.square(values), axes)), gradient
