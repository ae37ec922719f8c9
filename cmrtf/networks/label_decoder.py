"""Latent code to label logits."""

from typing import Any

import keras
import tensorflow as tf

from cmrtf.layers.conv_block import ConvBlock


@keras.saving.register_keras_serializable(package="cmrtf")
class LabelDecoder(keras.layers.Layer):
    """A convolutional decoder, the mirror image of `LabelEncoder`.

    A dense layer makes the smallest map; each stage has `depth` convolutions, the first of which doubles
    height and width (transposed; not in the first stage). The last doubling is a sub-pixel convolution:
    four logit maps of half size, interleaved, so that no convolution runs at full size.

    Args:
        num_classes: number of label ids.
        widths: channels of each stage, as given to the encoder (first stage = largest map).
        depth: convolutions of each stage.
        size: height and width of the label map.
        linear_path: whether the decoder has a PCA skip connection: a linear map of the code to logits at
            half size, enlarged, to which the convolutions add a correction. The last convolution then
            also gets those logits as input and its kernel starts at zero, so training starts from the
            linear map alone. `cmrtf.training.pca_initialisation` sets the map to principal components.
        bottleneck_dim: width of two dense layers without activation between the code and the smallest
            map, as in the authors' code; 0 for none.

    Returns (from `call`, for a code `(batch, latent_dim)`):
        `(batch, size, size, num_classes)` float32 logits.

    Reference:
        Shi et al., Real-Time Single Image Super-Resolution Using an Efficient Sub-Pixel CNN,
        CVPR 2016 (https://arxiv.org/abs/1609.05158).
    """

    def __init__(
        self,
        num_classes: int,
        widths: tuple[int, ...],
        depth: int = 2,
        size: int = 128,
        linear_path: bool = False,
        bottleneck_dim: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.widths = tuple(widths)
        self.depth = depth
        self.size = size
        self.linear_path = linear_path
        self.bottleneck_dim = bottleneck_dim
        self.start_size = size // 2 ** len(self.widths)
        self.bottleneck = [
            keras.layers.Dense(bottleneck_dim, name=f"bottleneck_{number}", dtype=self.dtype_policy)
            for number in range(2 if bottleneck_dim else 0)
        ]
        self.from_code = keras.layers.Dense(
            self.start_size**2 * self.widths[-1], name="from_code", dtype=self.dtype_policy
        )
        self.blocks = [
            ConvBlock(
                self.widths[stage],
                "up" if number == 0 and stage < len(self.widths) - 1 else "same",
                name=f"stage_{stage}_{number}",
                dtype=self.dtype_policy,
            )
            for stage in reversed(range(len(self.widths)))
            for number in range(depth)
        ]
        self.to_logits = keras.layers.Conv2D(
            4 * num_classes,
            3,
            padding="same",
            kernel_initializer="zeros" if linear_path else "glorot_uniform",
            name="to_logits",
            dtype=self.dtype_policy,
        )
        if linear_path:
            self.linear = keras.layers.Dense(
                (size // 2) ** 2 * num_classes, name="linear", dtype=self.dtype_policy
            )

    def build(self, input_shape: tuple[Any, ...]) -> None:
        code_shape = input_shape
        for dense in self.bottleneck:
            dense.build(code_shape)
            code_shape = dense.compute_output_shape(code_shape)
        self.from_code.build(code_shape)
        shape: tuple[Any, ...] = (None, self.start_size, self.start_size, self.widths[-1])
        for block in self.blocks:
            block.build(shape)
            shape = block.compute_output_shape(shape)
        if self.linear_path:
            self.linear.build(input_shape)
            shape = (*shape[:-1], shape[-1] + self.num_classes)
        self.to_logits.build(shape)

    def call(self, code: tf.Tensor, training: bool = False) -> tf.Tensor:
        x = code
        for dense in self.bottleneck:
            x = dense(x)
        x = tf.reshape(self.from_code(x), (-1, self.start_size, self.start_size, self.widths[-1]))
        for block in self.blocks:
            x = block(x, training=training)
        if not self.linear_path:
            return tf.cast(tf.nn.depth_to_space(self.to_logits(x), 2), tf.float32)
        linear_logits = tf.reshape(self.linear(code), (-1, self.size // 2, self.size // 2, self.num_classes))
        correction = tf.nn.depth_to_space(self.to_logits(tf.concat([x, linear_logits], -1)), 2)
        return tf.image.resize(linear_logits, (self.size, self.size)) + tf.cast(correction, tf.float32)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "num_classes": self.num_classes,
            "widths": self.widths,
            "depth": self.depth,
            "size": self.size,
            "linear_path": self.linear_path,
            "bottleneck_dim": self.bottleneck_dim,
        }
