"""Image to a distribution over codes of its contrast and texture."""

from typing import Any

import keras
import tensorflow as tf

from cmrtf.networks.gaussian import Gaussian

EPSILON = 1e-5
"""Added to variances, whose square roots have no gradient at zero."""


@keras.saving.register_keras_serializable(package="cmrtf")
class ContrastEncoder(keras.layers.Layer):
    """A convolutional encoder of how bright, sharp and textured an image is, and not of where what lies.

    Strided 3 x 3 convolutions, with group normalisation and leaky ReLU between them, double the channels
    while halving the size down to 8 x 8. All that is kept are mean and standard deviation of each channel,
    of the image and of each convolution; a dense layer makes a diagonal normal distribution of them.
    Statistics of channels describe the look of an image without its layout, as in

        Huang and Belongie, Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization,
        ICCV 2017 (https://arxiv.org/abs/1703.06868).

    Args:
        contrast_dim: dimensions of the code.
        base_width: channels of the first convolution.
        image_size: height and width of the image.

    Returns (from `call`, for an image `(batch, image_size, image_size, 1)` in [-1, 1]):
        `Gaussian` over `(batch, contrast_dim)`.
    """

    def __init__(self, contrast_dim: int, base_width: int = 16, image_size: int = 128, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.contrast_dim = contrast_dim
        self.base_width = base_width
        self.image_size = image_size
        self.widths = [base_width * 2**level for level in range((image_size // 8).bit_length() - 1)]
        self.convolutions = [
            keras.layers.Conv2D(
                width, 3, 2, "same", use_bias=False, name=f"conv_{level}", dtype=self.dtype_policy
            )
            for level, width in enumerate(self.widths)
        ]
        self.norms = [
            keras.layers.GroupNormalization(groups=8, name=f"norm_{level}", dtype=self.dtype_policy)
            for level in range(len(self.widths) - 1)
        ]
        self.to_parameters = keras.layers.Dense(2 * contrast_dim, name="to_parameters", dtype="float32")

    def build(self, input_shape: Any) -> None:
        shape = (None, self.image_size, self.image_size, 1)
        for level, convolution in enumerate(self.convolutions):
            if level:
                self.norms[level - 1].build(shape)
            convolution.build(shape)
            shape = convolution.compute_output_shape(shape)
        self.to_parameters.build((None, 2 * (1 + sum(self.widths))))

    def call(self, image: tf.Tensor) -> Gaussian:
        x, statistics = image, _statistics(image)
        for level, convolution in enumerate(self.convolutions):
            if level:
                x = tf.nn.leaky_relu(self.norms[level - 1](x), 0.2)
            x = convolution(x)
            statistics += _statistics(x)
        return Gaussian.from_parameters(self.to_parameters(tf.concat(statistics, -1)))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "contrast_dim": self.contrast_dim,
            "base_width": self.base_width,
            "image_size": self.image_size,
        }


def _statistics(maps: tf.Tensor) -> list[tf.Tensor]:
    """Mean and standard deviation of each channel over a map, both `(batch, channels)` float32."""
    mean, variance = tf.nn.moments(tf.cast(maps, tf.float32), axes=[1, 2])
    return [mean, tf.sqrt(variance + EPSILON)]
