"""A discriminator of image patches: real or fake."""

from typing import Any

import keras
import tensorflow as tf

from cmrtf.layers.spectral_conv2d import SpectralConv2D


@keras.saving.register_keras_serializable(package="cmrtf")
class PatchDiscriminator(keras.layers.Layer):
    """A fully convolutional PatchGAN with spectral and instance normalisation.

    4 x 4 convolutions with leaky ReLU, of stride 2 except for the last two; with a `last_stride` of 2
    except for the last. Each logit classifies the patch that is its receptive field. With spectral
    normalisation alone features shrink from layer to layer until logits of real and fake hardly
    differ; instance normalisation behind all convolutions but the first restores their size.

    Args:
        base_width: channels of the first convolution; they double up to eight times as many.
        num_layers: number of convolutions before the one to logits.
        last_stride: stride of the last convolution before the one to logits: 1 in the paper; 2 spares
            most of all multiply-adds.

    Returns (from `call`, for label map and image stacked along channels):
        list of feature maps `(batch, height, width, channels)`, the last of which is the logits with one
        channel. For a list of inputs every element is the list of their feature maps; all pass through
        the same kernels, normalised once.

    Reference:
        Isola et al., Image-to-Image Translation with Conditional Adversarial Networks, CVPR 2017
        (https://arxiv.org/abs/1611.07004); both normalisations: Park et al., CVPR 2019, appendix A
        (https://arxiv.org/abs/1903.07291).
    """

    def __init__(
        self, base_width: int = 64, num_layers: int = 4, last_stride: int = 1, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.base_width = base_width
        self.num_layers = num_layers
        self.last_stride = last_stride
        self.convolutions = [
            SpectralConv2D(
                base_width * 2 ** min(level, 3),
                4,
                strides=2 if level < num_layers - 1 else last_stride,
                name=f"conv_{level}",
                dtype=self.dtype_policy,
            )
            for level in range(num_layers)
        ]
        self.norms = [
            keras.layers.GroupNormalization(
                groups=-1,  # a group for each channel: instance normalisation
                epsilon=1e-5,
                center=False,
                scale=False,
                name=f"norm_{level}",
                dtype=self.dtype_policy,
            )
            for level in range(1, num_layers)
        ]
        self.to_logits = SpectralConv2D(1, 4, name="to_logits", dtype=self.dtype_policy)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        shape = tuple(input_shape)
        for convolution in (*self.convolutions, self.to_logits):
            convolution.build(shape)
            shape = convolution.compute_output_shape(shape)
        for norm, convolution in zip(self.norms, self.convolutions[1:], strict=True):
            norm.build((None, None, None, convolution.filters))

    def call(self, inputs: Any, training: bool = False) -> list[Any]:
        features = [inputs]
        for convolution, norm in zip(self.convolutions, (None, *self.norms), strict=True):
            outputs = convolution(features[-1], training=training)
            if norm is not None:
                outputs = tf.nest.map_structure(norm, outputs)
            features.append(tf.nest.map_structure(lambda x: tf.nn.leaky_relu(x, 0.2), outputs))
        return [*features[1:], self.to_logits(features[-1], training=training)]

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "base_width": self.base_width,
            "num_layers": self.num_layers,
            "last_stride": self.last_stride,
        }
