"""White noise for what neither labels nor style say: the grain of blood, liver and lung."""

from typing import Any

import keras
import tensorflow as tf

NUM_FIELDS = 16
"""Fields of white noise of which a style mixes its own."""

LENGTH_SCALE = 0.25
"""How far apart styles are whose noise has a correlation of exp(-1/2). Those of neighbouring slices of a
patient are some 0.5 apart, those of two patients 2 to 3."""


@keras.saving.register_keras_serializable(package="cmrtf")
class TextureNoise(keras.layers.Layer):
    """White noise, the same in all channels, times a learned strength of each channel, added to a map.

    The noise is a function of the style: an image is the same whenever and wherever it is computed, and moves
    smoothly with its style, while styles that differ have noise that differs. It is a mixture of fixed
    fields of white noise; their shares are random Fourier features of the style, scaled to a sum of squares
    of one, so that the noise of each style is white and of variance one.

    Args:
        seed: of the fields; layers of one network have different ones.

    Call arguments:
        inputs: `(batch, height, width, channels)`, of the height and width that the layer was built with.
        style: `(batch, style_dim)`; no gradient flows into it.

    Returns (from `call`):
        `(batch, height, width, channels)`, of the dtype of `inputs`.

    Reference:
        Noise in each block: Karras et al., CVPR 2019, section 2 (https://arxiv.org/abs/1812.04948). Random
        Fourier features: Rahimi and Recht, NeurIPS 2007.
    """

    def __init__(self, seed: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed

    def build(self, inputs_shape: tuple[Any, ...], style_shape: tuple[Any, ...]) -> None:
        _, height, width, channels = inputs_shape

        def constant(name: str, shape: tuple[int, ...]) -> Any:
            normal = keras.initializers.RandomNormal(stddev=1.0, seed=self.seed)
            return self.add_weight(
                name=name, shape=shape, initializer=normal, trainable=False, autocast=False
            )

        self.fields = constant("fields", (height * width, NUM_FIELDS))
        self.frequencies = constant("frequencies", (style_shape[-1], NUM_FIELDS // 2))
        self.strength = self.add_weight(name="strength", shape=(channels,), initializer="zeros")

    def call(self, inputs: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
        noise = tf.reshape(self.noise(style), (-1, *inputs.shape[1:3], 1))
        return inputs + tf.cast(self.strength, inputs.dtype) * tf.cast(noise, inputs.dtype)

    def noise(self, style: tf.Tensor) -> tf.Tensor:
        """The noise of each style, `(batch, height * width)` float32."""
        angles = tf.matmul(tf.cast(tf.stop_gradient(style), tf.float32), self.frequencies) / LENGTH_SCALE
        shares = tf.concat([tf.cos(angles), tf.sin(angles)], -1) * (NUM_FIELDS // 2) ** -0.5
        return tf.matmul(shares, self.fields, transpose_b=True)

    def compute_output_shape(self, inputs_shape: tuple[Any, ...], style_shape: Any = None) -> tuple[Any, ...]:
        return inputs_shape

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"seed": self.seed}
