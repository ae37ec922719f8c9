"""What the SavedModels of a bundle promise: each signature with the names, types and shapes of its tensors.

All tensors of a signature have the same free first dimension, one row per slice, and rows do not
depend on each other: so a server may put the rows of several requests into one batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from cmrtf.synthesis.protocols import LABEL_VAE, SPADE_GAN

DEFAULTS = {LABEL_VAE: "decode", SPADE_GAN: "synthesize"}
"""What `serving_default` is."""


@dataclass(frozen=True)
class Signature:
    """The tensors of one signature by name, `(rows, ...)` each.

    Args:
        inputs: what it takes.
        outputs: what it returns.
    """

    inputs: dict[str, tf.TensorSpec]
    outputs: dict[str, tf.TensorSpec]


def promised_signatures(
    num_classes: int, size: int, latent_dim: int, style_dim: int
) -> dict[str, dict[str, Signature]]:
    """Model to signatures by name, without `serving_default`.

    Args:
        num_classes: number of label ids.
        size: height and width of a slice, in pixels.
        latent_dim: of the VAE.
        style_dim: of the GAN.
    """
    labels, image = _tensor(tf.int32, size, size), _tensor(tf.float32, size, size, 1)
    code, style, weight = _tensor(tf.float32, latent_dim), _tensor(tf.float32, style_dim), _tensor(tf.float32)
    decoded = {"label_ids": labels, "probabilities": _tensor(tf.float32, size, size, num_classes)}
    pair = {"label_ids_a": labels, "label_ids_b": labels, "weight": weight}
    labels_and_image = {"label_ids": labels, "image": image}
    return {
        LABEL_VAE: {
            "encode": _signature({"label_ids": labels}, {"mean": code, "log_variance": code}),
            "decode": _signature({"code": code}, decoded),
            "interpolate": _signature(pair, decoded),
        },
        SPADE_GAN: {
            "synthesize": _signature({"label_ids": labels, "style": style}, {"image": image}),
            "encode_style": _signature({"image": image}, {"mean": style, "log_variance": style}),
            "walk": _signature({**pair, "style_a": style, "style_b": style}, labels_and_image),
            "walk_average": _signature(pair, labels_and_image),
        },
    }


def promised_by(description: Mapping[str, Any]) -> dict[str, dict[str, Signature]]:
    """The signatures of the bundle with this `bundle.json`."""
    return promised_signatures(
        len(description["schema"]["structures"]),
        description["image"]["size"],
        description[LABEL_VAE]["config"]["latent_dim"],
        description[SPADE_GAN]["config"]["style_dim"],
    )


def _tensor(dtype: tf.DType, *shape: int) -> tf.TensorSpec:
    return tf.TensorSpec((None, *shape), dtype)


def _signature(inputs: dict[str, tf.TensorSpec], outputs: dict[str, tf.TensorSpec]) -> Signature:
    def named(specs: dict[str, tf.TensorSpec]) -> dict[str, tf.TensorSpec]:
        return {name: tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in specs.items()}

    return Signature(named(inputs), named(outputs))
