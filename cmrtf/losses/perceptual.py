"""Perceptual loss, for users who have the weights of VGG19."""

import os
from pathlib import Path

import keras
import tensorflow as tf

from cmrtf.errors import CmrtfError

VGG19_LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")
VGG19_LAYER_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
VGG19_MEAN_RGB = (123.68, 116.779, 103.939)


class PerceptualLoss:
    """Weighted mean absolute difference of VGG19 features of real and fake.

    Args:
        weights: Keras' own `vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5`. Nothing is
            downloaded.

    Raises:
        CmrtfError: the file is missing or does not fit VGG19 without top.

    Reference:
        Johnson et al., Perceptual Losses, ECCV 2016 (https://arxiv.org/abs/1603.08155); layers and
        weights of Wang et al., CVPR 2018, section 3.3 (https://arxiv.org/abs/1711.11585).
    """

    def __init__(self, weights: Path) -> None:
        if not os.path.isfile(weights):
            raise CmrtfError(f"{weights}: expected a VGG19 weight file without top, but there is none.")
        try:
            vgg = keras.applications.VGG19(include_top=False, weights=str(weights))
        except (ValueError, OSError) as error:
            raise CmrtfError(
                f"{weights}: expected VGG19 weights without top, but Keras says: {error}"
            ) from error
        outputs = [vgg.get_layer(name).output for name in VGG19_LAYERS]
        self.features = keras.Model(vgg.input, outputs, trainable=False)

    def __call__(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        """`sum_k w_k |F_k(real) - F_k(fake)|` over the layers k of VGG19.

        Args:
            real: `(batch, height, width, 1)` images in [-1, 1]; no gradient flows into them.
            fake: likewise.

        Returns:
            `(batch,)` float32.
        """
        terms = [
            weight * tf.reduce_mean(tf.abs(tf.stop_gradient(r) - f), axis=[1, 2, 3])
            for weight, r, f in zip(
                VGG19_LAYER_WEIGHTS,
                self.features(self._to_bgr(real)),
                self.features(self._to_bgr(fake)),
                strict=True,
            )
        ]
        return tf.add_n(terms)

    @staticmethod
    def _to_bgr(image: tf.Tensor) -> tf.Tensor:
        """Grey values in [-1, 1] to BGR in 0..255 minus the ImageNet mean, as the weights expect."""
        grey = (tf.cast(image, tf.float32) + 1.0) * 127.5
        return tf.repeat(grey, 3, axis=-1) - tf.constant(VGG19_MEAN_RGB[::-1])
