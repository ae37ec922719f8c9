"""Label map to a distribution over latent codes."""

from typing import Any

import keras
import tensorflow as tf

from cmrtf.layers.conv_block import ConvBlock
from cmrtf.networks.gaussian import Gaussian


@keras.saving.register_keras_serializable(package="cmrtf")
class LabelEncoder(keras.layers.Layer):
    """A convolutional encoder of one-hot label maps.

    Each stage halves height and width with a strided convolution and refines with `depth - 1`
    more; a dense layer turns the last map into a diagonal normal distribution.

    Args:
        latent_dim: dimensions of the latent code.
        widths: channels of each stage.
        depth: convolutions of each stage.

    Returns (from `call`, for a `(batch, size, size, num_classes)` one-hot map):
        `Gaussian` over `(batch, latent_dim)`.
    """

    def __init__(self, latent_dim: int, widths: tuple[int, ...], depth: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.latent_dim = latent_dim
        self.widths = tuple(widths)
        self.depth = depth
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
        self.to_parameters = keras.layers.Dense(2 * latent_dim, name="to_parameters", dtype=self.dtype_policy)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        shape = tuple(input_shape)
        for block in self.blocks:
            block.build(shape)
            shape = block.compute_output_shape(shape)
        self.flat_size = shape[1] * shape[2] * shape[3]
        self.to_parameters.build((None, self.flat_size))

    def call(self, label_map: tf.Tensor, training: bool = False) -> Gaussian:
        x = label_map
        for block in self.blocks:
            x = block(x, training=training)
        return Gaussian.from_parameters(self.to_parameters(tf.reshape(x, (-1, self.flat_size))))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "latent_dim": self.latent_dim,
            "widths": self.widths,
            "depth": self.depth,
        }
