"""The four functions of a bundle's models, by calling signatures a few slices at a time."""

from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.bundle.contents import bundle_sha256, model_folder
from cmrtf.bundle.saved_model import read_signatures
from cmrtf.bundle.signatures import Signature, Signatures, Tensor, require_signature, require_values
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.protocols import LABEL_VAE, SPADE_GAN
from cmrtf.tensorflow_start import start_tensorflow

Arrays = dict[str, NDArray[Any]]

NEEDED = {LABEL_VAE: ("encode", "decode"), SPADE_GAN: ("encode_style", "synthesize")}
"""The signatures that `SignatureModels` calls, by model."""


class SignatureModels(ABC):
    """Implements `cmrtf.synthesis.protocols.Models`, wherever the signatures run; believes no answer.

    Attributes:
        promised: what the signatures take and return.
        rows_per_call: how many slices go at a time.
    """

    promised: Signatures
    rows_per_call: int

    @abstractmethod
    def call(self, model: str, signature: str, inputs: Arrays, output: str, expected: Tensor) -> NDArray[Any]:
        """One output of a signature, of an expected type and shape, for at most `rows_per_call` rows."""

    @property
    @abstractmethod
    def provenance(self) -> dict[str, Any]:
        """Which models these are, as plain values for JSON."""

    def encode(self, label_ids: NDArray[Any]) -> NDArray[np.float32]:
        """`(batch, size, size)` label ids to posterior means `(batch, latent_dim)`."""
        return self._in_parts(LABEL_VAE, "encode", {"label_ids": label_ids.astype(np.int32)}, "mean")

    def decode(self, codes: NDArray[np.float32]) -> NDArray[np.uint8]:
        """`(batch, latent_dim)` codes to label ids `(batch, size, size)`."""
        return self._in_parts(LABEL_VAE, "decode", {"code": codes}, "label_ids").astype(np.uint8)

    def encode_style(self, image: NDArray[Any]) -> NDArray[np.float32]:
        """`(batch, size, size)` images in [-1, 1] to style means `(batch, style_dim)`."""
        inputs = {"image": image[..., None].astype(np.float32)}
        return self._in_parts(SPADE_GAN, "encode_style", inputs, "mean")

    def synthesize(self, label_ids: NDArray[Any], styles: NDArray[np.float32]) -> NDArray[np.float32]:
        """Label ids and a style for each to images `(batch, size, size)` in [-1, 1]."""
        inputs = {"label_ids": label_ids.astype(np.int32), "style": styles}
        return self._in_parts(SPADE_GAN, "synthesize", inputs, "image")[..., 0]

    def _in_parts(self, model: str, signature: str, inputs: Arrays, output: str) -> NDArray[Any]:
        rows = len(next(iter(inputs.values())))
        if rows == 0:  # signatures refuse that; one row of zeros tells the shape of none
            row = {name: np.zeros((1, *values.shape[1:]), values.dtype) for name, values in inputs.items()}
            return self._checked(model, signature, row, output)[:0]
        parts = (
            {name: values[start : start + self.rows_per_call] for name, values in inputs.items()}
            for start in range(0, rows, self.rows_per_call)
        )
        return np.concatenate([self._checked(model, signature, part, output) for part in parts])

    def _checked(self, model: str, signature: str, inputs: Arrays, output: str) -> NDArray[Any]:
        """One output of a signature that is what it promised."""
        tensor = self.promised[model][signature].outputs[output]
        rows = len(next(iter(inputs.values())))
        expected = Tensor(tensor.dtype, (rows, *tensor.shape[1:]))
        values = self.call(model, signature, inputs, output, expected)
        require_values(f"model {model}, signature {signature}", output, values, expected)
        return values


class LoadedModels(SignatureModels):
    """The SavedModels of a bundle on disk, loaded into this process when they are first called.

    Args:
        bundle: folder of a verified bundle.
        promised: by its description.
    """

    rows_per_call = 32
    """Enough to keep the cores busy, few enough for little memory."""

    def __init__(self, bundle: Path, promised: Signatures) -> None:
        self.bundle = bundle
        self.promised = promised

    @cached_property
    def signatures(self) -> dict[str, Any]:
        """Callable signatures by model and name.

        Raises:
            CmrtfError: a model does more than compute, is not as promised, or cannot be loaded.
        """
        start_tensorflow()
        import tensorflow as tf

        loaded = {}
        for model, needed in NEEDED.items():
            folder = model_folder(self.bundle, model)
            require_signatures(folder, {name: self.promised[model][name] for name in needed})
            try:
                loaded[model] = tf.saved_model.load(str(folder)).signatures
            except Exception as error:  # whatever the loader stumbles over in a file that is not ours
                raise CmrtfError(f"{folder}: expected a SavedModel that loads. Received: {error}.") from error
        return loaded

    @property
    def provenance(self) -> dict[str, Any]:
        """The hash of the bundle."""
        return {"bundle_sha256": bundle_sha256(self.bundle)}

    def call(self, model: str, signature: str, inputs: Arrays, output: str, expected: Tensor) -> NDArray[Any]:
        """One output of a signature."""
        import tensorflow as tf

        function = self.signatures[model][signature]
        try:
            return function(**{name: tf.constant(values) for name, values in inputs.items()})[output].numpy()
        except tf.errors.OpError as error:
            folder = model_folder(self.bundle, model)
            raise CmrtfError(
                f"{folder}: expected signature {signature} to answer. Received: {error.message.strip()}."
            ) from error


def require_signatures(folder: Path, promised: dict[str, Signature]) -> None:
    """Check a SavedModel before it is loaded.

    Args:
        folder: of the SavedModel.
        promised: signatures that it must have, by name.

    Raises:
        CmrtfError: it does more than compute, lacks a signature, or has another one of this name.
    """
    received = read_signatures(folder)
    for name, signature in promised.items():
        if name not in received:
            raise CmrtfError(
                f"{folder}: expected a signature {name}. Received: {', '.join(sorted(received))}."
            )
        require_signature(str(folder), name, signature, received[name])
