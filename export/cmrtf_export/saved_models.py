"""Trained models as SavedModels that need neither cmrtf nor Keras.

A `tf.Module` that holds a Keras 3 model as an attribute saves, and loads in Python, but not in TF
Serving's loader, which misses its variables. These modules therefore track the raw variables only;
the model itself is reached through the traced functions.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import tensorflow as tf
from tensorflow.core.protobuf import fingerprint_pb2

from cmrtf.bundle.signatures import DEFAULTS, Signature, Tensor
from cmrtf.layers.spectral_conv2d import fuse_spectral_norm
from cmrtf.models.spade_gan import SPADEGAN
from cmrtf.models.standardised_vae import StandardisedVAE
from cmrtf.synthesis.protocols import LABEL_VAE, SPADE_GAN
from cmrtf.tensorflow_start import literal_path

Outputs = dict[str, tf.Tensor]


class _Signatures(tf.Module):
    """The raw variables that the signatures read."""

    def __init__(self, weights: list[keras.Variable]) -> None:
        super().__init__()
        self.raw_variables = [weight.value for weight in weights]


def save_models(
    vae: StandardisedVAE,
    gan: SPADEGAN,
    average_style: Sequence[float],
    promised: dict[str, dict[str, Signature]],
    folders: dict[str, Path],
) -> None:
    """Write both SavedModels.

    The averaged generator is exported, its spectral normalisation divided into the kernels. `walk` and
    `walk_average` hold the VAE's weights too: two labels and a weight to labels and image in one call.

    Args:
        vae: with its trained weights.
        gan: with its trained weights; not fit for training afterwards.
        average_style: `(style_dim,)`, the appearance of `walk_average`.
        promised: signatures by model and name, of these models' sizes.
        folders: where each SavedModel goes, by model.
    """
    fuse_spectral_norm(gan.generator_average)
    generator = gan.generator_average.weights + gan.style_encoder.weights
    for name, weights, functions in (
        (LABEL_VAE, vae.weights, _label_vae_functions(vae)),
        (SPADE_GAN, generator + vae.weights, _spade_gan_functions(gan, vae, average_style)),
    ):
        signatures = {
            key: _as_signature(functions[key], signature) for key, signature in promised[name].items()
        }
        signatures["serving_default"] = signatures[DEFAULTS[name]]
        # Signatures are called, not differentiated: SPADE's own gradients stay out.
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        folders[name].parent.mkdir(exist_ok=True)
        with literal_path(folders[name]) as path:
            tf.saved_model.save(_Signatures(weights), path, signatures=signatures, options=options)
        _settle_fingerprint(folders[name] / "fingerprint.pb")


def _settle_fingerprint(file: Path) -> None:
    """Put the checksum of the model in place of a random number: equal models are equal bytes."""
    fingerprint = fingerprint_pb2.FingerprintDef.FromString(file.read_bytes())
    fingerprint.uuid = str(fingerprint.saved_model_checksum)
    file.write_bytes(fingerprint.SerializeToString(deterministic=True))


def _label_vae_functions(vae: StandardisedVAE) -> dict[str, Callable[..., Outputs]]:
    def encode(label_ids: tf.Tensor) -> Outputs:
        posterior = vae.encode(label_ids)
        return {"mean": posterior.mean, "log_variance": posterior.log_variance}

    def decode(code: tf.Tensor) -> Outputs:
        logits = vae.decode(code)
        return {"label_ids": tf.argmax(logits, -1, tf.int32), "probabilities": tf.nn.softmax(logits)}

    def interpolate(label_ids_a: tf.Tensor, label_ids_b: tf.Tensor, weight: tf.Tensor) -> Outputs:
        return decode(_between(vae.encode(label_ids_a).mean, vae.encode(label_ids_b).mean, weight))

    return {"encode": encode, "decode": decode, "interpolate": interpolate}


def _spade_gan_functions(
    gan: SPADEGAN, vae: StandardisedVAE, average_style: Sequence[float]
) -> dict[str, Callable[..., Outputs]]:
    shape = _label_vae_functions(vae)

    def synthesize(label_ids: tf.Tensor, style: tf.Tensor) -> Outputs:
        return {"image": gan.synthesize(label_ids, style)}

    def encode_style(image: tf.Tensor) -> Outputs:
        posterior = gan.encode_style(image)
        return {"mean": posterior.mean, "log_variance": posterior.log_variance}

    def walk(
        label_ids_a: tf.Tensor,
        label_ids_b: tf.Tensor,
        weight: tf.Tensor,
        style_a: tf.Tensor,
        style_b: tf.Tensor,
    ) -> Outputs:
        label_ids = shape["interpolate"](label_ids_a, label_ids_b, weight)["label_ids"]
        return {"label_ids": label_ids, **synthesize(label_ids, _between(style_a, style_b, weight))}

    def walk_average(label_ids_a: tf.Tensor, label_ids_b: tf.Tensor, weight: tf.Tensor) -> Outputs:
        style = tf.ones_like(weight)[:, None] * tf.constant(average_style, tf.float32)
        return walk(label_ids_a, label_ids_b, weight, style, style)

    return {
        "synthesize": synthesize,
        "encode_style": encode_style,
        "walk": walk,
        "walk_average": walk_average,
    }


def _between(first: tf.Tensor, second: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Codes at `weight` on the straight line, 0 the first, 1 the second."""
    return first + weight[:, None] * (second - first)


def _as_signature(
    function: Callable[..., Outputs], signature: Signature
) -> tf.types.experimental.PolymorphicFunction:
    """The function, behind checks that run in the graph: a server hands it whatever it was sent."""

    def checked(*values: tf.Tensor) -> Outputs:
        inputs = {
            name: _checked(name, value, spec)
            for value, (name, spec) in zip(values, signature.inputs.items(), strict=True)
        }
        with tf.control_dependencies(_check_rows(inputs)):
            outputs = function(**{name: tf.identity(value) for name, value in inputs.items()})
        for name, spec in signature.outputs.items():
            outputs[name].set_shape(spec.shape)  # for whoever reads the signature
        return outputs

    specs = [tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in signature.inputs.items()]
    return tf.function(checked, input_signature=specs, autograph=False)


def _checked(name: str, value: tf.Tensor, spec: Tensor) -> tf.Tensor:
    value = tf.ensure_shape(value, spec.shape)  # at run time too: a server does not compare shapes
    if value.dtype.is_floating:
        return tf.debugging.check_numerics(value, f"{name} must be finite")
    return value


def _check_rows(inputs: dict[str, tf.Tensor]) -> list[tf.Operation]:
    """As many rows in all inputs, and not none: convolutions of an empty batch can end the process."""
    rows = tf.stack([tf.shape(value)[0] for value in inputs.values()])
    message = f"{', '.join(inputs)} must have the same number of rows, one or more. Received:"
    return [tf.debugging.Assert((rows[0] > 0) & tf.reduce_all(rows == rows[0]), [message, rows])]
