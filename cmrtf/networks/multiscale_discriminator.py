"""Patch discriminators at several scales."""

from typing import Any

import keras
import tensorflow as tf

from cmrtf.networks.patch_discriminator import PatchDiscriminator


@keras.saving.register_keras_serializable(package="cmrtf")
class MultiscaleDiscriminator(keras.layers.Layer):
    """One `PatchDiscriminator` per scale, each scale half the size of the one before.

    Args:
        num_scales: number of discriminators.
        base_width: channels of the first convolution of each discriminator.
        num_layers: convolutions of each discriminator before the one to logits.
        last_stride: stride of the last of them.

    Returns (from `call`, for label map and image stacked along channels):
        list of the feature maps of each scale, logits last. The inputs may also be a list, such as real
        and fake, which pass through the same kernels, see `PatchDiscriminator`.

    Reference:
        Wang et al., High-Resolution Image Synthesis with Conditional GANs, CVPR 2018, section 3.2
        (https://arxiv.org/abs/1711.11585).
    """

    def __init__(
        self,
        num_scales: int = 2,
        base_width: int = 64,
        num_layers: int = 4,
        last_stride: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_scales = num_scales
        self.base_width = base_width
        self.num_layers = num_layers
        self.last_stride = last_stride
        self.scales = [
            PatchDiscriminator(
                base_width, num_layers, last_stride, name=f"scale_{scale}", dtype=self.dtype_policy
            )
            for scale in range(num_scales)
        ]

    def build(self, input_shape: tuple[Any, ...]) -> None:
        for scale in self.scales:
            scale.build(input_shape)

    def call(self, inputs: Any, training: bool = False) -> list[list[Any]]:
        features = []
        for number, scale in enumerate(self.scales):
            if number:
                inputs = tf.nest.map_structure(lambda x: tf.nn.avg_pool2d(x, 2, 2, "SAME"), inputs)
            features.append(scale(inputs, training=training))
        return features

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "num_scales": self.num_scales,
            "base_width": self.base_width,
            "num_layers": self.num_layers,
            "last_stride": self.last_stride,
        }
