"""Trained models as SavedModels that need neither cmrtf nor Keras.

A `tf.Module` that holds a Keras 3 model as an attribute saves, and loads in Python, but not in TF
Serving's loader, which misses its variables. These modules therefore track the raw variables only;
the model itself is reached through the traced functions.
"""

from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf

from cmrtf.layers.spectral_conv2d import bake_spectral_norm
from cmrtf.models.label_vae import LabelVAE
from cmrtf.models.spade_gan import SPADEGAN

Signature = Callable[..., dict[str, tf.Tensor]]


class _Signatures(tf.Module):
    """The raw variables that the signatures read."""

    def __init__(self, weights: list[keras.Variable]) -> None:
        super().__init__()
        self.raw_variables = [weight.value for weight in weights]


def save_label_vae(model: LabelVAE, folder: Path) -> None:
    """Write the signatures `encode` and `decode` (also `serving_default`) of a trained VAE.

    Args:
        model: with its trained weights.
        folder: of the SavedModel.
    """
    label_ids = tf.TensorSpec((None, model.size, model.size), tf.int32, "label_ids")
    code = tf.TensorSpec((None, model.latent_dim), tf.float32, "code")

    @tf.function(input_signature=[label_ids], autograph=False)
    def encode(label_ids: tf.Tensor) -> dict[str, tf.Tensor]:
        posterior = model.encode(label_ids)
        return {"mean": posterior.mean, "log_variance": posterior.log_variance}

    @tf.function(input_signature=[code], autograph=False)
    def decode(code: tf.Tensor) -> dict[str, tf.Tensor]:
        logits = model.decode(_finite(code, "code"))
        return {"label_ids": tf.argmax(logits, -1, tf.int32), "probabilities": tf.nn.softmax(logits)}

    _save(model.weights, {"encode": encode, "decode": decode, "serving_default": decode}, folder)


def save_spade_gan(model: SPADEGAN, vae: LabelVAE, folder: Path) -> None:
    """Write the signatures `synthesize` (also `serving_default`), `encode_style` and `walk` of a trained GAN.

    The averaged generator is exported, its spectral normalisation divided into the kernels. `walk` does a
    whole stack in one call, with the VAE's weights: encode the slices of one or two subjects, mix their
    codes linearly, decode, synthesise.

    Args:
        model: with its trained weights; not fit for training afterwards.
        vae: whose codes `walk` mixes.
        folder: of the SavedModel.
    """
    bake_spectral_norm(model.generator_average)
    label_ids = tf.TensorSpec((None, model.size, model.size), tf.int32, "label_ids")
    style = tf.TensorSpec((None, model.style_dim), tf.float32, "style")
    image = tf.TensorSpec((None, model.size, model.size, 1), tf.float32, "image")
    label_mix, style_mix = (
        tf.TensorSpec((None, None), tf.float32, f"{name}_mix") for name in ("label", "style")
    )

    @tf.function(input_signature=[label_ids, style], autograph=False)
    def synthesize(label_ids: tf.Tensor, style: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"image": model.synthesize(label_ids, _finite(style, "style"))}

    @tf.function(input_signature=[image], autograph=False)
    def encode_style(image: tf.Tensor) -> dict[str, tf.Tensor]:
        posterior = model.encode_style(_finite(image, "image"))
        return {"mean": posterior.mean, "log_variance": posterior.log_variance}

    @tf.function(input_signature=[label_ids, image, label_mix, style_mix], autograph=False)
    def walk(
        label_ids: tf.Tensor, image: tf.Tensor, label_mix: tf.Tensor, style_mix: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        label_mix, style_mix = _finite(label_mix, "label_mix"), _finite(style_mix, "style_mix")
        codes = tf.matmul(label_mix, vae.encode(label_ids).mean)
        decoded = tf.argmax(vae.decode(codes), -1, tf.int32)
        # A slice that mixes nothing lies beyond the heart: it shows none.
        has_heart = tf.reduce_any(label_mix != 0.0, axis=1)[:, None, None]
        walked = tf.where(has_heart, decoded, 0)
        styles = tf.matmul(style_mix, model.encode_style(_finite(image, "image")).mean)
        return {"label_ids": walked, "image": model.synthesize(walked, styles)}

    weights = model.generator_average.weights + model.style_encoder.weights + vae.weights
    signatures = {
        "synthesize": synthesize,
        "encode_style": encode_style,
        "walk": walk,
        "serving_default": synthesize,
    }
    _save(weights, signatures, folder)


def _save(weights: list[keras.Variable], signatures: dict[str, Signature], folder: Path) -> None:
    # Signatures are called, not differentiated: SPADE's own gradients stay out.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(_Signatures(weights), str(folder), signatures=signatures, options=options)


def _finite(values: tf.Tensor, name: str) -> tf.Tensor:
    return tf.debugging.check_numerics(values, f"{name} must be finite")
