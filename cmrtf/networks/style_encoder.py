"""Image to a distribution over style codes."""

from typing import Any

import keras
import tensorflow as tf

from cmrtf.networks.gaussian import Gaussian


@keras.saving.register_keras_serializable(package="cmrtf")
class StyleEncoder(keras.layers.Layer):
    """A convolutional encoder of appearance: intensities, sharpness, surrounding anatomy.

    Strided 3 x 3 convolutions with group normalisation and leaky ReLU, doubling the channels while
    halving the size down to 8 x 8, then a dense layer to a diagonal normal distribution.

    Args:
        style_dim: dimensions of the style code.
        base_width: channels of the first convolution.
        image_size: height and width of the image.

    Returns (from `call`, for an image `(batch, image_size, image_size, 1)` in [-1, 1]):
        `Gaussian` over `(batch, style_dim)`.
    """

    def __init__(self, style_dim: int, base_width: int = 16, image_size: int = 128, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.style_dim = style_dim
        self.base_width = base_width
        self.image_size = image_size
        halvings = (image_size // 8).bit_length() - 1
        self.convolutions = [
            keras.layers.Conv2D(
                base_width * 2**level,
                3,
                2,
                "same",
                use_bias=False,
                name=f"conv_{level}",
                dtype=self.dtype_policy,
            )
            for level in range(halvings)
        ]
        self.norms = [
            keras.layers.GroupNormalization(groups=8, name=f"norm_{level}", dtype=self.dtype_policy)
            for level in range(halvings)
        ]
        self.to_parameters = keras.layers.Dense(2 * style_dim, name="to_parameters", dtype=self.dtype_policy)

    def build(self, input_shape: Any) -> None:
        shape = (None, self.image_size, self.image_size, 1)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            convolution.build(shape)
            shape = convolution.compute_output_shape(shape)
            norm.build(shape)
        _, height, width, channels = shape
        self.to_parameters.build((None, height * width * channels))

    def call(self, image: tf.Tensor) -> Gaussian:
        x = image
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = tf.nn.leaky_relu(norm(convolution(x)), 0.2)
        return Gaussian.from_parameters(
            self.to_parameters(keras.ops.reshape(x, (-1, x.shape[1] * x.shape[2] * x.shape[3])))
        )

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "style_dim": self.style_dim,
            "base_width": self.base_width,
            "image_size": self.image_size,
        }
