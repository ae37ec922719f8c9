"""Convolution, batch normalisation, leaky ReLU."""

from typing import Any

import keras
import tensorflow as tf

from cmrtf.layers.batch_statistics import BatchStatistics


@keras.saving.register_keras_serializable(package="cmrtf")
class ConvBlock(keras.layers.Layer):
    """A convolution without bias, batch normalisation over all replicas, leaky ReLU of slope 0.01.

    Normalisation, scale and offset are one multiply-add per value, see `BatchStatistics`.

    Args:
        channels: number of output channels.
        resize: `"same"` (3 x 3), `"down"` (3 x 3, stride 2) or `"up"` (transposed 4 x 4, stride 2).

    Call arguments:
        inputs: `(batch, height, width, any)`.
        training: normalise with the statistics of the batch.

    Returns (from `call`):
        `(batch, height, width, channels)`; height and width are halved for `"down"` and doubled for `"up"`.
    """

    def __init__(self, channels: int, resize: str = "same", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels = channels
        self.resize = resize
        self.conv = convolution(channels, resize, self.dtype_policy)
        self.statistics = BatchStatistics(name="statistics")

    def build(self, input_shape: tuple[Any, ...]) -> None:
        self.conv.build(input_shape)
        self.statistics.build(self.compute_output_shape(input_shape))
        self.scale = self.add_weight(name="scale", shape=(self.channels,), initializer="ones", autocast=False)
        self.offset = self.add_weight(
            name="offset", shape=(self.channels,), initializer="zeros", autocast=False
        )

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        x = self.conv(inputs)
        mean, inverse_stddev = self.statistics(x, training=training)
        scale = self.scale * inverse_stddev
        offset = self.offset - mean * scale
        return tf.nn.leaky_relu(x * tf.cast(scale, x.dtype) + tf.cast(offset, x.dtype), 0.01)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        return self.conv.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"channels": self.channels, "resize": self.resize}


def convolution(channels: int, resize: str, dtype: keras.DTypePolicy) -> keras.layers.Layer:
    """The convolution of a block, without bias: the normalisation behind it has one.

    Args:
        channels: number of output channels.
        resize: see `ConvBlock`.
        dtype: of the layer.
    """
    common = {"padding": "same", "use_bias": False, "name": "conv", "dtype": dtype}
    if resize == "up":
        return keras.layers.Conv2DTranspose(channels, 4, 2, **common)
    return keras.layers.Conv2D(channels, 3, {"same": 1, "down": 2}[resize], **common)
