"""What the SavedModels of a bundle promise: each signature with the names, types and shapes of its tensors.

All tensors of a signature have the same free first dimension, one row per slice, and rows do not
depend on each other: so a server may put the rows of several requests into one batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.labels import SCHEMA
from cmrtf.core.preparation import SIZE
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.protocols import LABEL_VAE, SPADE_GAN

DEFAULTS = {LABEL_VAE: "decode", SPADE_GAN: "synthesize"}
"""What `serving_default` is."""

RANGES = {"label_ids": (0, SCHEMA.num_classes - 1), "image": (-1.0, 1.0)}
"""Least and largest value of tensors that have one, by name."""


class Tensor(NamedTuple):
    """Type and shape of a tensor.

    Args:
        dtype: `"float32"` or `"int32"`.
        shape: with None for any length.
    """

    dtype: str
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        return f"{self.dtype} {self.shape}"


@dataclass(frozen=True)
class Signature:
    """The tensors of one signature by name, `(rows, ...)` each.

    Args:
        inputs: what it takes.
        outputs: what it returns.
    """

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]


Signatures = Mapping[str, Mapping[str, Signature]]
"""By model and name."""


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
    labels, image = Tensor("int32", (None, size, size)), Tensor("float32", (None, size, size, 1))
    code, style = Tensor("float32", (None, latent_dim)), Tensor("float32", (None, style_dim))
    weight = Tensor("float32", (None,))
    decoded = {"label_ids": labels, "probabilities": Tensor("float32", (None, size, size, num_classes))}
    pair = {"label_ids_a": labels, "label_ids_b": labels, "weight": weight}
    labels_and_image = {"label_ids": labels, "image": image}
    return {
        LABEL_VAE: {
            "encode": Signature({"label_ids": labels}, {"mean": code, "log_variance": code}),
            "decode": Signature({"code": code}, decoded),
            "interpolate": Signature(pair, decoded),
        },
        SPADE_GAN: {
            "synthesize": Signature({"label_ids": labels, "style": style}, {"image": image}),
            "encode_style": Signature({"image": image}, {"mean": style, "log_variance": style}),
            "walk": Signature({**pair, "style_a": style, "style_b": style}, labels_and_image),
            "walk_average": Signature(pair, labels_and_image),
        },
    }


def promised_by(description: Mapping[str, Any]) -> dict[str, dict[str, Signature]]:
    """The signatures of the bundle with this `bundle.json`.

    Raises:
        CmrtfError: its slices have another size than prepared ones.
    """
    if (size := description["image"]["size"]) != SIZE:
        raise CmrtfError(f"bundle.json: expected models of slices of {SIZE} pixels. Received: {size}.")
    return promised_signatures(
        len(description["schema"]["structures"]),
        size,
        description[LABEL_VAE]["config"]["latent_dim"],
        description[SPADE_GAN]["config"]["style_dim"],
    )


def require_signature(source: str, name: str, promised: Signature, received: Signature) -> None:
    """Check that a model has a signature as it was promised.

    Args:
        source: of the model, for messages.
        name: of the signature.
        promised: what it should be.
        received: what the model says that it is.

    Raises:
        CmrtfError: it is another one.
    """
    for kind in ("inputs", "outputs"):
        expected, found = getattr(promised, kind), getattr(received, kind)
        if found != expected:
            raise CmrtfError(
                f"{source}: expected signature {name} to have {kind} {_listed(expected)}. "
                f"Received: {_listed(found)}."
            )


def require_values(source: str, name: str, values: NDArray[Any], expected: Tensor) -> None:
    """Check what a signature returned.

    Args:
        source: of the values, for messages.
        name: of the tensor.
        values: what was returned.
        expected: its type and its shape, rows included.

    Raises:
        CmrtfError: values are of another type or shape, not finite, or no labels or intensities.
    """
    received = Tensor(values.dtype.name, values.shape)
    if received != expected:
        raise CmrtfError(f"{source}: expected {name} {expected}. Received: {received}.")
    if not np.isfinite(values).all():
        raise CmrtfError(f"{source}: expected finite numbers for {name}. Received: NaN or infinity.")
    least, largest = RANGES.get(name, (-np.inf, np.inf))
    if values.min(initial=0) < least or values.max(initial=0) > largest:
        raise CmrtfError(
            f"{source}: expected {name} from {least:g} to {largest:g}. "
            f"Received: {values.min():g} to {values.max():g}."
        )


def _listed(tensors: Mapping[str, Tensor]) -> str:
    return ", ".join(f"{name} {tensor}" for name, tensor in sorted(tensors.items())) or "none"
