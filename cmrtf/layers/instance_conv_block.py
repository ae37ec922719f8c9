"""Convolution, instance normalisation, leaky ReLU."""

from typing import Any

import keras
import tensorflow as tf

from cmrtf.layers.conv_block import convolution


@keras.saving.register_keras_serializable(package="cmrtf")
class InstanceConvBlock(keras.layers.Layer):
    """A convolution without bias, instance normalisation, leaky ReLU of slope 0.01.

    Each image is normalised by itself, so images of different contrast in one batch do not change each
    other's statistics, and training and inference do the same.

    Args:
        channels: number of output channels.
        resize: `"same"` (3 x 3), `"down"` (3 x 3, stride 2) or `"up"` (transposed 4 x 4, stride 2).

    Call arguments:
        inputs: `(batch, height, width, any)`.
        training: makes no difference.

    Returns (from `call`):
        `(batch, height, width, channels)`; height and width are halved for `"down"` and doubled for `"up"`.

    Reference:
        Ulyanov et al., Instance Normalization (https://arxiv.org/abs/1607.08022).
    """

    def __init__(self, channels: int, resize: str = "same", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels = channels
        self.resize = resize
        self.conv = convolution(channels, resize, self.dtype_policy)
        self.normalisation = keras.layers.GroupNormalization(
            groups=-1,  # a group for each channel
            epsilon=1e-5,
            name="normalisation",
            dtype=self.dtype_policy,
        )

    def build(self, input_shape: tuple[Any, ...]) -> None:
        self.conv.build(input_shape)
        self.normalisation.build(self.compute_output_shape(input_shape))

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        return tf.nn.leaky_relu(self.normalisation(self.conv(inputs)), 0.01)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        return self.conv.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"channels": self.channels, "resize": self.resize}
