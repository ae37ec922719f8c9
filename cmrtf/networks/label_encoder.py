"""Label map to a distribution over latent codes."""

from typing import Any

import keras
import tensorflow as tf

from cmrtf.layers.conv_block import ConvBlock
from cmrtf.networks.gaussian import Gaussian

POOL = 4
"""Side of the squares of pixels whose class shares are the input of the PCA skip connection."""


@keras.saving.register_keras_serializable(package="cmrtf")
class LabelEncoder(keras.layers.Layer):
    """A convolutional encoder of one-hot label maps.

    Each stage halves height and width with a strided convolution, followed by `depth - 1` convolutions
    of the same size; a dense layer turns the last map into a diagonal normal distribution.

    Args:
        latent_dim: dimensions of the latent code.
        widths: channels of each stage.
        depth: convolutions of each stage.
        linear_path: whether the encoder has a PCA skip connection: a linear map of the class shares of
            `POOL` x `POOL` pixels, added to the mean. The kernel of the last dense layer then starts at
            zero, so training starts from the linear map alone. `cmrtf.training.pca_initialisation` sets
            the map to principal components.
        bottleneck_dim: width of two dense layers without activation between the last map and the
            code, as in the authors' code; 0 for none.

    Returns (from `call`, for a `(batch, size, size, num_classes)` one-hot map):
        `Gaussian` over `(batch, latent_dim)`.
    """

    def __init__(
        self,
        latent_dim: int,
        widths: tuple[int, ...],
        depth: int = 2,
        linear_path: bool = False,
        bottleneck_dim: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.latent_dim = latent_dim
        self.widths = tuple(widths)
        self.depth = depth
        self.linear_path = linear_path
        self.bottleneck_dim = bottleneck_dim
        self.blocks = [
            ConvBlock(
                width,
                "down" if number == 0 else "same",
                name=f"stage_{stage}_{number}",
                dtype=self.dtype_policy,
            )
            for stage, width in enumerate(self.widths)
            for number in range(depth)
        ]
        self.bottleneck = [
            keras.layers.Dense(bottleneck_dim, name=f"bottleneck_{number}", dtype=self.dtype_policy)
            for number in range(2 if bottleneck_dim else 0)
        ]
        self.to_parameters = keras.layers.Dense(
            2 * latent_dim,
            kernel_initializer="zeros" if linear_path else "glorot_uniform",
            name="to_parameters",
            dtype=self.dtype_policy,
        )
        if linear_path:
            self.linear = keras.layers.Dense(latent_dim, name="linear", dtype=self.dtype_policy)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        shape = tuple(input_shape)
        for block in self.blocks:
            block.build(shape)
            shape = block.compute_output_shape(shape)
        self.flat_size = shape[1] * shape[2] * shape[3]
        code_shape = (None, self.flat_size)
        for dense in self.bottleneck:
            dense.build(code_shape)
            code_shape = dense.compute_output_shape(code_shape)
        self.to_parameters.build(code_shape)
        if self.linear_path:
            _, height, width, channels = input_shape
            self.linear.build((None, height // POOL * (width // POOL) * channels))

    def call(self, label_map: tf.Tensor, training: bool = False) -> Gaussian:
        x = label_map
        for block in self.blocks:
            x = block(x, training=training)
        x = tf.reshape(x, (-1, self.flat_size))
        for dense in self.bottleneck:
            x = dense(x)
        posterior = Gaussian.from_parameters(self.to_parameters(x))
        if not self.linear_path:
            return posterior
        mean = self.linear(self.class_shares(label_map))
        return Gaussian(posterior.mean + tf.cast(mean, tf.float32), posterior.log_variance)

    @staticmethod
    def class_shares(label_map: tf.Tensor) -> tf.Tensor:
        """Share of each class in squares of `POOL` x `POOL` pixels: the input of the PCA skip connection.

        Args:
            label_map: `(batch, height, width, num_classes)` one-hot.

        Returns:
            `(batch, height // POOL * (width // POOL) * num_classes)`.
        """
        shares = tf.nn.avg_pool2d(label_map, POOL, POOL, "VALID")
        return tf.reshape(shares, (-1, shares.shape[1] * shares.shape[2] * shares.shape[3]))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "latent_dim": self.latent_dim,
            "widths": self.widths,
            "depth": self.depth,
            "linear_path": self.linear_path,
            "bottleneck_dim": self.bottleneck_dim,
        }
