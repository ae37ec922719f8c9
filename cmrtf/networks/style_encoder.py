"""Image to a distribution over style codes: contrast and texture, and what lies around the heart."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from cmrtf.layers.label_ids import checked_label_ids
from cmrtf.layers.tissue_classes import NUM_CLASSES
from cmrtf.networks.context_vae import ContextVAE
from cmrtf.networks.contrast_encoder import ContrastEncoder
from cmrtf.networks.gaussian import Gaussian


class StyledLabels(NamedTuple):
    """What a generator needs of a style and a label map of the heart.

    Attributes:
        contrast: `(batch, contrast_dim)`, the first part of the style.
        tissue_ids: `(batch, size, size)` int32 in `0..num_tissues - 1`, the label map with the most probable
            tissue class in place of the background: the darkest is 0, the structures of the heart have their
            label ids, and the other tissues follow.
        context_logits: `(batch, size, size, classes)` float32, of the tissue classes.
    """

    contrast: tf.Tensor
    tissue_ids: tf.Tensor
    context_logits: tf.Tensor


@keras.saving.register_keras_serializable(package="cmrtf")
class StyleEncoder(keras.layers.Layer):
    """Encoders of both parts of a style, and the label map that a style completes.

    A style code is contrast and texture (`ContrastEncoder`), and behind them the tissue context
    (`ContextVAE`). Its classes take the place of the background in a label map of the heart, so that where
    lung, fat and liver lie is said by labels, as where the heart lies.

    Args:
        style_dim: dimensions of the style code.
        context_dim: how many of them, the last, are the tissue context's.
        num_classes: number of label ids of the heart.
        base_width: channels of both encoders' first convolution.
        image_size: height and width of the image.

    Attributes:
        num_tissues: number of ids of a completed label map.

    Returns (from `call`, for an image `(batch, image_size, image_size, 1)` in [-1, 1]):
        `Gaussian` over `(batch, style_dim)`.
    """

    def __init__(
        self,
        style_dim: int,
        context_dim: int,
        num_classes: int = 4,
        base_width: int = 16,
        image_size: int = 128,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.style_dim = style_dim
        self.context_dim = context_dim
        self.contrast_dim = style_dim - context_dim
        self.num_classes = num_classes
        self.num_tissues = num_classes + NUM_CLASSES - 1
        self.base_width = base_width
        self.image_size = image_size
        self.contrast_encoder = ContrastEncoder(
            self.contrast_dim, base_width, image_size, name="contrast_encoder", dtype=self.dtype_policy
        )
        self.context_vae = ContextVAE(
            context_dim, base_width, image_size, name="context_vae", dtype=self.dtype_policy
        )

    def build(self, input_shape: Any = None) -> None:
        self.contrast_encoder.build(input_shape)
        self.context_vae.build()

    def call(self, image: tf.Tensor, training: bool = False) -> Gaussian:
        return self.contrast_encoder(image).joined(self.context_vae.encode(image, training=training))

    def parts(self, codes: tf.Tensor) -> list[tf.Tensor]:
        """Contrast and context of `(batch, style_dim)` codes, or of what goes with each of their entries."""
        return tf.split(codes, [self.contrast_dim, self.context_dim], axis=-1)

    def decode(self, style: tf.Tensor, label_ids: tf.Tensor, training: bool = False) -> StyledLabels:
        """Contrast, and a label map completed by the tissue context.

        Args:
            style: `(batch, style_dim)`.
            label_ids: `(batch, size, size)` integers, the heart's.
            training: normalise with the statistics of the batch.

        Raises:
            tf.errors.InvalidArgumentError: a label id is not within `0..num_classes - 1`.
        """
        contrast, context = self.parts(style)
        logits = self.context_vae.decode(context, training=training)
        label_ids = checked_label_ids(label_ids, self.num_classes)
        tissue = tf.argmax(logits, -1, tf.int32)
        background_ids = tf.where(tissue > 0, self.num_classes - 1 + tissue, 0)
        return StyledLabels(contrast, tf.where(label_ids > 0, label_ids, background_ids), logits)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "style_dim": self.style_dim,
            "context_dim": self.context_dim,
            "num_classes": self.num_classes,
            "base_width": self.base_width,
            "image_size": self.image_size,
        }
