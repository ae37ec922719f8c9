"""The residual block of the SPADE generator."""

from typing import Any

import keras
import tensorflow as tf

from cmrtf.layers.label_neighbourhoods import LabelNeighbourhoods
from cmrtf.layers.spade import SPADE
from cmrtf.layers.spectral_conv2d import SpectralConv2D


@keras.saving.register_keras_serializable(package="cmrtf")
class SPADEResBlock(keras.layers.Layer):
    """Twice SPADE, leaky ReLU and a 3 x 3 convolution, added to a shortcut.

    Where the number of channels changes, the shortcut is a SPADE and a 1 x 1 convolution.

    Args:
        channels: number of output channels.
        hidden_channels: hidden width of the SPADE layers.
        num_classes: number of label ids.

    Call arguments:
        inputs: `(batch, height, width, any)`.
        labels: as for `SPADE`.
        training: normalise with the statistics of the batch, and do a power iteration.

    Returns (from `call`):
        `(batch, height, width, channels)`.

    Reference:
        Park et al., CVPR 2019, figure 4 (https://arxiv.org/abs/1903.07291).
    """

    def __init__(self, channels: int, hidden_channels: int, num_classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels = channels
        self.hidden_channels = hidden_channels
        self.num_classes = num_classes

    def build(self, input_shape: tuple[Any, ...]) -> None:
        *size, in_channels = input_shape
        middle = min(in_channels, self.channels)

        def spade(name: str, channels: int) -> SPADE:
            layer = SPADE(self.hidden_channels, self.num_classes, name=name, dtype=self.dtype_policy)
            layer.build((*size, channels))
            return layer

        def convolution(
            name: str, channels_in: int, channels_out: int, side: int, bias: bool
        ) -> SpectralConv2D:
            layer = SpectralConv2D(channels_out, side, use_bias=bias, name=name, dtype=self.dtype_policy)
            layer.build((*size, channels_in))
            return layer

        self.spade_0 = spade("spade_0", in_channels)
        self.conv_0 = convolution("conv_0", in_channels, middle, 3, bias=True)
        self.spade_1 = spade("spade_1", middle)
        self.conv_1 = convolution("conv_1", middle, self.channels, 3, bias=True)
        self.learned_shortcut = in_channels != self.channels
        if self.learned_shortcut:
            self.spade_shortcut = spade("spade_shortcut", in_channels)
            self.conv_shortcut = convolution("conv_shortcut", in_channels, self.channels, 1, bias=False)

    def call(
        self, inputs: tf.Tensor, labels: LabelNeighbourhoods | tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        shortcut = inputs
        if self.learned_shortcut:
            shortcut = self.spade_shortcut(inputs, labels, training=training)
            shortcut = self.conv_shortcut(shortcut, training=training)
        x = tf.nn.leaky_relu(self.spade_0(inputs, labels, training=training), 0.2)
        x = self.conv_0(x, training=training)
        x = tf.nn.leaky_relu(self.spade_1(x, labels, training=training), 0.2)
        x = self.conv_1(x, training=training)
        return shortcut + x

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        return (*input_shape[:-1], self.channels)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "channels": self.channels,
            "hidden_channels": self.hidden_channels,
            "num_classes": self.num_classes,
        }
