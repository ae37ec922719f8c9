"""Image to label logits, pixel by pixel."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from cmrtf.layers.conv_block import ConvBlock
from cmrtf.layers.instance_conv_block import InstanceConvBlock

Block = ConvBlock | InstanceConvBlock

BLOCKS: Mapping[str, type[Block]] = {"batch": ConvBlock, "instance": InstanceConvBlock}
"""By what they normalise with."""


@keras.saving.register_keras_serializable(package="cmrtf")
class UNet(keras.layers.Layer):
    """A U-Net: convolutional encoder and decoder with skip connections.

    Each encoder stage but the first halves height and width with a strided convolution. Each decoder
    stage doubles them with a transposed convolution and concatenates the encoder's map of that size.

    Args:
        num_classes: number of label ids.
        widths: channels of each stage, largest map first.
        depth: convolutions of each stage, in the encoder and after each concatenation.
        normalisation: `"batch"`, with the statistics of the training images, or `"instance"`, where images of
            several contrasts are mixed; the mean of a feature map says little then.

    Returns (from `call`, for an image `(batch, size, size, 1)` in [-1, 1]):
        `(batch, size, size, num_classes)` float32 logits.

    Reference:
        Ronneberger et al., U-Net, MICCAI 2015 (https://arxiv.org/abs/1505.04597).
    """

    def __init__(
        self,
        num_classes: int,
        widths: tuple[int, ...],
        depth: int = 1,
        normalisation: str = "batch",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.widths = tuple(widths)
        self.depth = depth
        self.normalisation = normalisation

        def block(width: int, resize: str, name: str) -> Block:
            return BLOCKS[normalisation](width, resize, name=name, dtype=self.dtype_policy)

        # Flat lists: older Keras saves no weights of layers in lists of lists.
        self.down = [
            block(width, "down" if stage and number == 0 else "same", f"down_{stage}_{number}")
            for stage, width in enumerate(self.widths)
            for number in range(depth)
        ]
        self.up = [block(width, "up", f"up_{stage}") for stage, width in self._decoder_stages()]
        self.join = [
            block(width, "same", f"join_{stage}_{number}")
            for stage, width in self._decoder_stages()
            for number in range(depth)
        ]
        self.to_logits = keras.layers.Conv2D(num_classes, 1, name="to_logits", dtype=self.dtype_policy)

    def _decoder_stages(self) -> list[tuple[int, int]]:
        """Number and channels of each decoder stage, smallest map first."""
        return list(enumerate(self.widths))[-2::-1]

    def build(self, input_shape: tuple[Any, ...]) -> None:
        shape = tuple(input_shape)
        shapes = []
        for blocks in _stages(self.down, self.depth):
            shape = _build(blocks, shape)
            shapes.append(shape)
        for up, join, skip in zip(self.up, _stages(self.join, self.depth), shapes[-2::-1], strict=True):
            shape = _build([up], shape)
            shape = _build(join, (*shape[:-1], shape[-1] + skip[-1]))
        self.to_logits.build(shape)

    def call(self, image: tf.Tensor, training: bool = False) -> tf.Tensor:
        maps = self.encode(image, training=training)
        x = maps[-1]
        for up, join, skip in zip(self.up, _stages(self.join, self.depth), maps[-2::-1], strict=True):
            x = tf.concat([up(x, training=training), skip], -1)
            for block in join:
                x = block(x, training=training)
        return tf.cast(self.to_logits(x), tf.float32)

    def encode(self, image: tf.Tensor, training: bool = False) -> list[tf.Tensor]:
        """Feature maps of the encoder.

        Args:
            image: `(batch, size, size, 1)` in [-1, 1].
            training: normalise with the statistics of the batch.

        Returns:
            the map of each stage, `(batch, size / 2**stage, size / 2**stage, widths[stage])`, largest
            first.
        """
        maps = []
        x = image
        for blocks in _stages(self.down, self.depth):
            for block in blocks:
                x = block(x, training=training)
            maps.append(x)
        return maps

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        return (*input_shape[:-1], self.num_classes)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "num_classes": self.num_classes,
            "widths": self.widths,
            "depth": self.depth,
            "normalisation": self.normalisation,
        }


def _stages(blocks: list[Block], depth: int) -> list[list[Block]]:
    """Group a flat list of blocks by stage."""
    return [blocks[start : start + depth] for start in range(0, len(blocks), depth)]


def _build(blocks: list[Block], shape: tuple[Any, ...]) -> tuple[Any, ...]:
    """Build blocks that follow one another; returns the shape of the last output."""
    for block in blocks:
        block.build(shape)
        shape = block.compute_output_shape(shape)
    return shape
