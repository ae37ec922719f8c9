"""Spatially adaptive (de)normalisation."""

from typing import Any

import keras
import tensorflow as tf

from cmrtf.layers.batch_statistics import BatchStatistics
from cmrtf.layers.label_neighbourhoods import LabelNeighbourhoods
from cmrtf.layers.modulate import modulate
from cmrtf.layers.sparse_gather import gather_sum


@keras.saving.register_keras_serializable(package="cmrtf")
class SPADE(keras.layers.Layer):
    """Batch normalisation without parameters, then a scale and shift of each pixel computed from the labels.

    `y = (1 + gamma(m)) * (x - mean) / stddev + beta(m)`, where gamma and beta are two 3 x 3
    convolutions of the one-hot label map m with a ReLU between them. They are evaluated on the
    distinct 5 x 5 label neighbourhoods only (`LabelNeighbourhoods`), and mean and stddev are folded
    into that small table before it is gathered: per pixel there is one multiply-add.

    With a one-hot label map instead the dense convolutions are evaluated: the same values, slower.

    Args:
        hidden_channels: number of channels between the two convolutions.
        num_classes: number of label ids.

    Call arguments:
        inputs: `(batch, height, width, channels)`.
        labels: `LabelNeighbourhoods`, or a one-hot `(batch, height, width, num_classes)` tensor, of
            the same height and width.
        training: normalise with the statistics of the batch.

    Returns (from `call`):
        `(batch, height, width, channels)`, of the dtype of `inputs`.

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
        """Gamma and beta for every distinct neighbourhood, `(distinct, 2 * channels)`.

        Hidden units and their products with the nine taps of the second kernel depend on a 3 x 3 window
        only, so they are evaluated on the distinct windows. A neighbourhood is the sum of nine products.
        """
        windows = tf.cast(labels.windows, self.compute_dtype)
        weights = tf.concat([_as_matrix(self.hidden_kernel), _as_matrix(self.hidden_bias)], axis=0)
        hidden = tf.nn.relu(tf.matmul(windows, tf.cast(weights, windows.dtype)))
        taps = tf.reshape(self.modulation_kernel, (9, self.hidden_channels, -1))
        products = _as_matrix(tf.matmul(hidden, tf.cast(taps, hidden.dtype)))
        rows = labels.window_index + tf.range(9) * tf.shape(windows)[0]
        return tf.nn.bias_add(gather_sum(products, rows), tf.cast(self.modulation_bias, products.dtype))

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


def _as_matrix(values: Any) -> tf.Tensor:
    """Flatten all axes but the last: a kernel becomes the matrix that is applied to flattened windows."""
    return tf.reshape(values, (-1, values.shape[-1]))
