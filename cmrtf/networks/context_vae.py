"""What lies around the heart: the tissue classes of an image as a code, and classes of a code."""

from typing import Any

import keras
import tensorflow as tf

from cmrtf.layers.tissue_classes import NUM_CLASSES, tissue_classes
from cmrtf.networks.gaussian import Gaussian
from cmrtf.networks.label_decoder import LabelDecoder
from cmrtf.networks.label_encoder import LabelEncoder


@keras.saving.register_keras_serializable(package="cmrtf")
class ContextVAE(keras.layers.Layer):
    """A convolutional VAE of the tissue context, `NUM_CLASSES` classes of brightness.

    Where the heart lies its loss asks for nothing, so that codes know of its surroundings only and decode to
    surroundings that go on under it.

    Args:
        context_dim: dimensions of the code.
        base_width: channels of the first of four stages; each has twice those of the one before, up to
            four times.
        image_size: height and width of the image.
    """

    def __init__(self, context_dim: int, base_width: int = 16, image_size: int = 128, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.context_dim = context_dim
        self.base_width = base_width
        self.image_size = image_size
        widths = tuple(base_width * factor for factor in (1, 2, 4, 4))
        self.encoder = LabelEncoder(context_dim, widths, depth=1, name="encoder", dtype=self.dtype_policy)
        self.decoder = LabelDecoder(
            NUM_CLASSES, widths, depth=1, size=image_size, name="decoder", dtype=self.dtype_policy
        )

    def build(self, input_shape: Any = None) -> None:
        self.encoder.build((None, self.image_size, self.image_size, NUM_CLASSES))
        self.decoder.build((None, self.context_dim))
        # One class everywhere at first: with random weights it would be noise, which SPADE is slow on.
        self.decoder.to_logits.kernel.assign(tf.zeros_like(self.decoder.to_logits.kernel))

    def encode(self, image: tf.Tensor, training: bool = False) -> Gaussian:
        """Posterior over codes of what an image shows around the heart.

        Args:
            image: `(batch, size, size, 1)` in [-1, 1].
            training: normalise with the statistics of the batch.

        Returns:
            `Gaussian` over `(batch, context_dim)`.
        """
        return self.encoder(tf.one_hot(tissue_classes(image), NUM_CLASSES), training=training)

    def decode(self, code: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Logits of the tissue classes, `(batch, size, size, NUM_CLASSES)` float32."""
        return self.decoder(code, training=training)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "context_dim": self.context_dim,
            "base_width": self.base_width,
            "image_size": self.image_size,
        }
