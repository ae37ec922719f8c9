"""A convolution whose kernel is divided by its largest singular value."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="cmrtf")
class SpectralConv2D(keras.layers.Layer):
    """2D convolution with spectral normalisation, "same" padding.

    The weight is the raw kernel `W`; the layer applies `W / sigma(W)`, with sigma from one power
    iteration per training step, and gradients flow through sigma as in the paper. (Keras' own
    `SpectralNormalization` overwrites the kernel with `W / sigma`, so no gradient does.)

    Args:
        filters: number of output channels.
        kernel_size: side of the square kernel.
        strides: step along height and width.
        use_bias: whether to add a bias.

    Call arguments:
        inputs: `(batch, height, width, any)`, or a list of such tensors.
        training: do a power iteration first.

    Returns (from `call`):
        `(batch, height / strides, width / strides, filters)`, rounded up, or a list of such tensors.

    Reference:
        Miyato et al., Spectral Normalization for GANs, ICLR 2018, algorithm 1
        (https://arxiv.org/abs/1802.05957).
    """

    def __init__(
        self, filters: int, kernel_size: int, strides: int = 1, use_bias: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.use_bias = use_bias
        self.fused = False

    def build(self, input_shape: tuple[Any, ...]) -> None:
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, input_shape[-1], self.filters),
            initializer="glorot_uniform",
        )
        self.bias = (
            self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
            if self.use_bias
            else None
        )
        # Left singular vectors are the same on all replicas, as the kernel is. Without
        # autocast=False mixed precision would hand the power iteration a float16 copy.
        self.u = self.add_weight(
            name="u",
            shape=(self.filters,),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )

    def sigma(self, training: bool = False) -> tf.Tensor:
        """Largest singular value of the `(height * width * channels, filters)` kernel.

        Args:
            training: also do a power iteration, which updates `u`.

        Returns:
            float32 scalar.
        """
        matrix = tf.reshape(tf.cast(self.kernel.value, tf.float32), (-1, self.filters))
        # A fresh u is not of unit length, nor is the moving average of a generator's.
        u = tf.math.l2_normalize(tf.convert_to_tensor(self.u.value))
        v = tf.math.l2_normalize(tf.linalg.matvec(tf.stop_gradient(matrix), u))
        projected = tf.linalg.matvec(matrix, v, transpose_a=True)
        if training:
            u = tf.math.l2_normalize(tf.stop_gradient(projected))
            self.u.assign(u)
        return tf.tensordot(u, projected, axes=1)

    def fuse(self) -> None:
        """Divide the kernel by sigma, for good: afterwards the layer is for inference only."""
        if not self.fused:
            self.kernel.assign(self.kernel / self.sigma())
            self.fused = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Convolve a tensor, or every tensor of a list with the same kernel, normalised once."""
        kernel = tf.cast(self.kernel.value, tf.float32)
        if not self.fused:
            kernel = kernel * (1.0 / self.sigma(training))
        return tf.nest.map_structure(lambda x: self._convolve(x, tf.cast(kernel, x.dtype)), inputs)

    def _convolve(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        outputs = tf.nn.conv2d(inputs, kernel, self.strides, "SAME")
        return outputs if self.bias is None else tf.nn.bias_add(outputs, tf.cast(self.bias, outputs.dtype))

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        batch, *size, _ = input_shape
        return (batch, *(None if side is None else -(-side // self.strides) for side in size), self.filters)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "use_bias": self.use_bias,
        }


def fuse_spectral_norm(network: keras.layers.Layer) -> None:
    """Fuse every `SpectralConv2D` inside `network`; its outputs at inference stay the same."""
    for layer in network._flatten_layers():
        if isinstance(layer, SpectralConv2D):
            layer.fuse()
