"""Spatially adaptive (de)normalisation."""

from typing import Any

import keras
import tensorflow as tf

from cmrtf.layers.batch_statistics import BatchStatistics
from cmrtf.layers.label_neighbourhoods import LabelNeighbourhoods
from cmrtf.layers.modulate import modulate


@keras.saving.register_keras_serializable(package="cmrtf")
class SPADE(keras.layers.Layer):
    """Normalise without parameters, then scale and shift pixel by pixel as the labels say.

    `y = (1 + gamma(m)) * (x - mean) / stddev + beta(m)`, where gamma and beta are two 3 x 3
    convolutions of the one-hot label map m with a ReLU between them. They are evaluated on the
    distinct 5 x 5 label neighbourhoods only (`LabelNeighbourhoods`), and mean and stddev are folded
    into that small table before it is gathered: per pixel there is one multiply-add.

    Passing a one-hot label map instead evaluates the dense convolutions: the reference, slower.

    Args:
        hidden_channels: width of the hidden layer.

    Call arguments:
        inputs: `(batch, height, width, channels)`.
        labels: `LabelNeighbourhoods`, or a one-hot `(batch, height, width, num_classes)` tensor, of
            the same height and width.

    Reference:
        Park et al., Semantic Image Synthesis with Spatially-Adaptive Normalization, CVPR 2019,
        equations 1 and 2 (https://arxiv.org/abs/1903.07291).
    """

    def __init__(self, hidden_channels: int, num_classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hidden_channels = hidden_channels
        self.num_classes = num_classes
        self.statistics = BatchStatistics()

    def build(self, input_shape: tuple[Any, ...]) -> None:
        channels = input_shape[-1]
        self.hidden_kernel = self.add_weight(
            name="hidden_kernel", shape=(3, 3, self.num_classes, self.hidden_channels)
        )
        self.hidden_bias = self.add_weight(
            name="hidden_bias", shape=(self.hidden_channels,), initializer="zeros"
        )
        self.modulation_kernel = self.add_weight(
            name="modulation_kernel", shape=(3, 3, self.hidden_channels, 2 * channels)
        )
        self.modulation_bias = self.add_weight(
            name="modulation_bias", shape=(2 * channels,), initializer="zeros"
        )
        self.statistics.build(input_shape)

    def call(
        self, inputs: tf.Tensor, labels: LabelNeighbourhoods | tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        distinct = isinstance(labels, LabelNeighbourhoods)
        gamma, beta = tf.split(self._table(labels) if distinct else self._dense(labels), 2, axis=-1)
        mean, inverse_stddev = self.statistics(inputs, training=training)
        scale = (1.0 + tf.cast(gamma, tf.float32)) * inverse_stddev
        shift = tf.cast(beta, tf.float32) - mean * scale
        scale, shift = tf.cast(scale, inputs.dtype), tf.cast(shift, inputs.dtype)
        return modulate(inputs, scale, shift, labels.index) if distinct else inputs * scale + shift

    def _dense(self, label_map: tf.Tensor) -> tf.Tensor:
        """Gamma and beta for every pixel, `(batch, height, width, 2 * channels)`."""
        label_map = tf.cast(label_map, self.compute_dtype)
        hidden = tf.nn.relu(self._convolve(label_map, self.hidden_kernel, self.hidden_bias))
        return self._convolve(hidden, self.modulation_kernel, self.modulation_bias)

    def _table(self, labels: LabelNeighbourhoods) -> tf.Tensor:
        """Gamma and beta for every distinct neighbourhood, `(distinct, 2 * channels)`."""
        windows = tf.cast(labels.windows, self.compute_dtype)
        hidden = tf.nn.relu(self._product(windows, self.hidden_kernel, self.hidden_bias))
        hidden = hidden * tf.cast(labels.inside, hidden.dtype)
        hidden = tf.reshape(hidden, (-1, 9 * self.hidden_channels))
        return self._product(hidden, self.modulation_kernel, self.modulation_bias)

    @staticmethod
    def _product(inputs: tf.Tensor, kernel: Any, bias: Any) -> tf.Tensor:
        """What a convolution does to windows that are as large as its kernel: one matrix product."""
        matrix = tf.reshape(tf.cast(kernel, inputs.dtype), (-1, kernel.shape[-1]))
        return tf.nn.bias_add(tf.tensordot(inputs, matrix, 1), tf.cast(bias, inputs.dtype))

    @staticmethod
    def _convolve(inputs: tf.Tensor, kernel: Any, bias: Any) -> tf.Tensor:
        outputs = tf.nn.conv2d(inputs, tf.cast(kernel, inputs.dtype), 1, "SAME")
        return tf.nn.bias_add(outputs, tf.cast(bias, inputs.dtype))

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "hidden_channels": self.hidden_channels,
            "num_classes": self.num_classes,
        }
