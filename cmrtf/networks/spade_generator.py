"""The image generator: an image of the style of a code and the anatomy of a label map."""

from typing import Any

import keras
import tensorflow as tf

from cmrtf.layers.label_ids import checked_label_ids, downsample_labels
from cmrtf.layers.label_neighbourhoods import find_label_neighbourhoods
from cmrtf.layers.spade_res_block import SPADEResBlock
from cmrtf.layers.spectral_conv2d import SpectralConv2D
from cmrtf.layers.texture_noise import TextureNoise


@keras.saving.register_keras_serializable(package="cmrtf")
class SPADEGenerator(keras.layers.Layer):
    """SPADE generator: style code and label map to image.

    A dense layer turns the style code into an 8 x 8 map; SPADE residual blocks, doubling height and
    width between them, turn it into the image: two blocks at 8 x 8, one at each size above, the
    number of channels halving from `base_width * 16` (8 x 8) to `base_width` (128 x 128). Before each
    block and behind the last the style scales and shifts whole channels, so that contrast and texture
    need not survive the way from the first map, and noise is added, of which texture can be made.

    Args:
        image_size: height and width of the image, `start_size` times a power of two.
        base_width: channels of the last block.
        hidden_channels: hidden width of the SPADE layers.
        num_classes: number of label ids.
        start_size: height and width of the first map.
        dense: evaluate SPADE's convolutions on every pixel rather than on distinct label
            neighbourhoods: the same values, slower. XLA needs it, and so do more than 127 classes.

    Call arguments:
        style: `(batch, style_dim)`.
        label_ids: `(batch, image_size, image_size)` integers.

    Returns (from `call`):
        `(batch, image_size, image_size, 1)` float32 in [-1, 1].

    Raises:
        ValueError: `image_size` is not `start_size` times a power of two.
        tf.errors.InvalidArgumentError: a label id is not within `0..num_classes - 1`.

    Reference:
        Park et al., CVPR 2019, figure 4 and appendix A (https://arxiv.org/abs/1903.07291).
    """

    def __init__(
        self,
        image_size: int = 128,
        base_width: int = 32,
        hidden_channels: int = 128,
        num_classes: int = 4,
        start_size: int = 8,
        dense: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.image_size = image_size
        self.base_width = base_width
        self.hidden_channels = hidden_channels
        self.num_classes = num_classes
        self.start_size = start_size
        self.dense = dense
        doublings = (image_size // start_size).bit_length() - 1
        if start_size * 2**doublings != image_size:
            raise ValueError(
                f"`image_size` must be `start_size` times a power of two. "
                f"Received: image_size={image_size}, start_size={start_size}"
            )
        self.start_channels = base_width * 2**doublings
        self.sizes = (start_size, *(start_size * 2**level for level in range(doublings + 1)))
        self.blocks = [
            SPADEResBlock(
                self.start_channels * start_size // size,
                hidden_channels,
                num_classes,
                name=f"block_{number}_{size}",
                dtype=self.dtype_policy,
            )
            for number, size in enumerate(self.sizes)
        ]
        self.from_style = keras.layers.Dense(
            start_size * start_size * self.start_channels, name="from_style", dtype=self.dtype_policy
        )
        channels = [self.start_channels, *(block.channels for block in self.blocks)]
        self.affines = [
            keras.layers.Dense(
                2 * count, kernel_initializer="zeros", name=f"affine_{number}", dtype=self.dtype_policy
            )
            for number, count in enumerate(channels)
        ]
        self.noises = [
            TextureNoise(number, name=f"noise_{number}", dtype=self.dtype_policy)
            for number in range(len(channels))
        ]
        self.to_image = SpectralConv2D(1, 3, name="to_image", dtype=self.dtype_policy)

    def build(self, style_shape: tuple[Any, ...], label_ids_shape: Any = None) -> None:
        for dense in (self.from_style, *self.affines):
            dense.build(style_shape)
        channels = self.start_channels
        for block, noise, size in zip(self.blocks, self.noises[:-1], self.sizes, strict=True):
            noise.build((None, size, size, channels), style_shape)
            block.build((None, size, size, channels))
            channels = block.channels
        last_shape = (None, self.image_size, self.image_size, channels)
        self.noises[-1].build(last_shape, style_shape)
        self.to_image.build(last_shape)

    def call(self, style: tf.Tensor, label_ids: tf.Tensor, training: bool = False) -> tf.Tensor:
        labels = self._labels_by_size(label_ids)
        x = tf.reshape(self.from_style(style), (-1, self.start_size, self.start_size, self.start_channels))
        for block, affine, noise, size in zip(
            self.blocks, self.affines[:-1], self.noises[:-1], self.sizes, strict=True
        ):
            x = _scaled_and_shifted(x, affine(style))
            if x.shape[1] != size:
                x = keras.ops.repeat(keras.ops.repeat(x, 2, axis=1), 2, axis=2)
            x = block(noise(x, style), labels[size], training=training)
        x = self.noises[-1](_scaled_and_shifted(x, self.affines[-1](style)), style)
        return tf.tanh(tf.cast(self.to_image(tf.nn.leaky_relu(x, 0.2), training=training), tf.float32))

    def _labels_by_size(self, label_ids: tf.Tensor) -> dict[int, Any]:
        """The argument `labels` of the SPADE layers, by height and width of their maps."""
        label_ids = tf.ensure_shape(label_ids, (None, self.image_size, self.image_size))
        label_ids = checked_label_ids(label_ids, self.num_classes)
        ids_by_size = {size: downsample_labels(label_ids, size) for size in set(self.sizes)}
        if self.dense:
            return {size: tf.one_hot(ids, self.num_classes) for size, ids in ids_by_size.items()}
        return {size: find_label_neighbourhoods(ids, self.num_classes) for size, ids in ids_by_size.items()}

    def compute_output_shape(self, style_shape: tuple[Any, ...], label_ids_shape: Any = None) -> Any:
        return (style_shape[0], self.image_size, self.image_size, 1)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "image_size": self.image_size,
            "base_width": self.base_width,
            "hidden_channels": self.hidden_channels,
            "num_classes": self.num_classes,
            "start_size": self.start_size,
            "dense": self.dense,
        }


def _scaled_and_shifted(maps: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
    """`(1 + a) * maps + b`, a and b for each channel of each example, `(batch, 2 * channels)`."""
    scale, shift = tf.split(parameters[:, None, None], 2, axis=-1)
    return (1.0 + scale) * maps + shift
