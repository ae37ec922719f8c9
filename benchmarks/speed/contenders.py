"""What of this project is measured: generator, SPADE layer and models, in each form and precision."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cmrtf.layers.label_neighbourhoods import find_label_neighbourhoods
from cmrtf.layers.spade import SPADE
from cmrtf.layers.spectral_conv2d import SpectralConv2D, fuse_spectral_norm
from cmrtf.models.differentiable_augmentation import NUM_DRAWS
from cmrtf.models.spade_gan import SPADEGAN
from cmrtf.networks.contrast_encoder import ContrastEncoder
from cmrtf.networks.spade_generator import SPADEGenerator
from cmrtf.training.config import GANConfig
from cmrtf.training.fused_adam import FusedAdam
from cmrtf.training.input_pipeline import Slices, image_batches
from cmrtf.training.train_gan import build_spade_gan

FLOAT32, BFLOAT16 = "float32", "mixed_bfloat16"
SHORT = {FLOAT32: "float32", BFLOAT16: "bfloat16"}
FORMS = {f"{form} {SHORT[policy]}": (form, policy) for policy in SHORT for form in ("distinct", "dense")}
"""Name of a contender: form of SPADE and dtype policy."""


@contextmanager
def precision(policy: str) -> Iterator[None]:
    """Layers built inside have this dtype policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


class ImageTranslator:
    """Contrast encoder and generator of the paper's size, on labels of the heart: image to image.

    Spectral normalisation is fused.
    """

    def __init__(self, form: str, policy: str) -> None:
        with precision(policy):
            self.encoder = ContrastEncoder(contrast_dim=512, base_width=32, image_size=128)
            self.encoder.build((None, 128, 128, 1))
            self.generator = SPADEGenerator(
                128, base_width=32, hidden_channels=128, num_classes=4, start_size=8, dense=form == "dense"
            )
            self.generator.build((None, 512))
        self.translate = tf.function(
            self._translate,
            autograph=False,
            input_signature=[
                tf.TensorSpec((None, 128, 128), tf.float32),
                tf.TensorSpec((None, 128, 128), tf.uint8),
            ],
        )

    def _translate(self, image: tf.Tensor, label_ids: tf.Tensor) -> tf.Tensor:
        return self.generator(self.encoder(image[..., None]).mean, label_ids, training=False)

    def settle(self, slices: Slices, passes: int = 20) -> None:
        """Bring moving averages and singular vectors to where a trained network has them."""

        @tf.function(autograph=False)
        def step(image: tf.Tensor, label_ids: tf.Tensor) -> tf.Tensor:
            return self.generator(self.encoder(image[..., None]).mean, label_ids, training=True)

        averages = [layer for layer in self.generator._flatten_layers() if hasattr(layer, "momentum")]
        momenta = [layer.momentum for layer in averages]
        for layer in averages:
            layer.momentum = 0.5
        for number in range(passes):
            chosen = np.arange(4 * number, 4 * number + 4) % len(slices.image)
            step(slices.image[chosen], slices.label_ids[chosen])
        for layer, momentum in zip(averages, momenta, strict=True):
            layer.momentum = momentum
        fuse_spectral_norm(self.generator)

    def copy_from(self, other: "ImageTranslator") -> None:
        """Take the weights of a translator whose spectral normalisation is fused."""
        for layer in self.generator._flatten_layers():
            if isinstance(layer, SpectralConv2D):
                layer.fused = True
        self.generator.set_weights(other.generator.get_weights())
        self.encoder.set_weights(other.encoder.get_weights())


def build_translators(slices: Slices) -> dict[str, ImageTranslator]:
    """The four forms, with the same weights."""
    keras.utils.set_random_seed(0)
    translators = {name: ImageTranslator(*form) for name, form in FORMS.items()}
    reference = translators["distinct float32"]
    reference.settle(slices)
    for translator in translators.values():
        if translator is not reference:
            translator.copy_from(reference)
    return translators


class SPADECalls:
    """One SPADE layer in training, as calls without arguments.

    Args:
        label_ids: `(batch, size, size)`.
        form: "distinct" or "dense".
        policy: dtype policy.
        num_classes: number of label ids.
        channels: of the image.
        hidden_channels: hidden width.
    """

    def __init__(
        self,
        label_ids: NDArray[np.uint8],
        form: str,
        policy: str,
        num_classes: int = 4,
        channels: int = 64,
        hidden_channels: int = 128,
    ) -> None:
        shape = (*label_ids.shape, channels)
        layer = SPADE(hidden_channels, num_classes, dtype=policy)
        layer.build(shape)

        encode = find_label_neighbourhoods if form == "distinct" else tf.one_hot

        def apply(inputs: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
            labels = encode(tf.cast(ids, tf.int32), num_classes)
            return layer(inputs, labels, training=True)

        def apply_and_back(inputs: tf.Tensor, ids: tf.Tensor, upstream: tf.Tensor) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                outputs = apply(inputs, ids)
            return outputs, tape.gradient(outputs, [inputs, *layer.trainable_variables], upstream)

        forward = tf.function(apply, autograph=False)
        both = tf.function(apply_and_back, autograph=False)
        inputs, upstream = (
            tf.cast(tf.random.stateless_normal(shape, (0, seed)), layer.compute_dtype) for seed in (1, 2)
        )
        ids = tf.constant(label_ids)
        self.forward: Callable[[], object] = lambda: forward(inputs, ids)
        self.forward_backward: Callable[[], object] = lambda: both(inputs, ids, upstream)


@contextmanager
def as_in_training() -> Iterator[None]:
    """The graph options that `training/loop.py` sets."""
    tf.config.optimizer.set_experimental_options({"remapping": False})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({"remapping": True})


def build_gan(config: GANConfig, form: str, policy: str) -> SPADEGAN:
    """A GAN compiled as `train_gan` does, at the first step's learning rates."""
    with precision(policy):
        model = build_spade_gan(dataclasses.replace(config, precision=policy), 128)
    model.generator.dense = form == "dense"
    model.compile(
        FusedAdam(config.g_learning_rate, beta_1=0.0, beta_2=0.99),
        FusedAdam(config.d_learning_rate, beta_1=0.0, beta_2=0.99),
        config.loss_weights,
        config.average_decay,
        config.augment_discriminator,
    )
    return model


def gan_batch(config: GANConfig, slices: Slices) -> dict[str, tf.Tensor]:
    """The first batch of a run."""
    batches = image_batches(
        slices, config.augmentation, config.batch_size, range(1), 0, config.style_dim, NUM_DRAWS
    )
    return next(iter(batches))
