"""The four functions of a bundle's models, by calling signatures a few slices at a time."""

from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.bundle.contents import bundle_sha256, model_folder
from cmrtf.synthesis.protocols import LABEL_VAE, SPADE_GAN
from cmrtf.tensorflow_start import literal_path, start_tensorflow

Arrays = dict[str, NDArray[Any]]

NEEDED = {LABEL_VAE: ("encode", "decode"), SPADE_GAN: ("encode_style", "synthesize")}
"""The signatures that `SignatureModels` calls, by model."""


class SignatureModels(ABC):
    """Implements `cmrtf.synthesis.protocols.Models`, wherever the signatures run."""

    rows_per_call: int

    @abstractmethod
    def call(self, model: str, signature: str, inputs: Arrays, output: str) -> NDArray[Any]:
        """One output of a signature, for at most `rows_per_call` rows."""

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
            return self.call(model, signature, row, output)[:0]
        parts = (
            {name: values[start : start + self.rows_per_call] for name, values in inputs.items()}
            for start in range(0, rows, self.rows_per_call)
        )
        return np.concatenate([self.call(model, signature, part, output) for part in parts])


class LoadedModels(SignatureModels):
    """The SavedModels of a bundle on disk, loaded into this process when they are first called.

    Args:
        bundle: folder of a verified bundle.
    """

    rows_per_call = 32
    """Enough to keep the cores busy, few enough for little memory."""

    def __init__(self, bundle: Path) -> None:
        self.bundle = bundle

    @cached_property
    def signatures(self) -> dict[str, Any]:
        """Callable signatures by model and name."""
        start_tensorflow()
        import tensorflow as tf

        loaded = {}
        for model in NEEDED:
            with literal_path(model_folder(self.bundle, model)) as folder:
                loaded[model] = tf.saved_model.load(folder).signatures
        return loaded

    @property
    def provenance(self) -> dict[str, Any]:
        """The hash of the bundle."""
        return {"bundle_sha256": bundle_sha256(self.bundle)}

    def call(self, model: str, signature: str, inputs: Arrays, output: str) -> NDArray[Any]:
        """One output of a signature."""
        function = self.signatures[model][signature]  # starts TensorFlow

        import tensorflow as tf

        return function(**{name: tf.constant(values) for name, values in inputs.items()})[output].numpy()
