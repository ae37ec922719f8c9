"""A bundle on disk, loaded into this process."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf
from numpy.typing import NDArray

from cmrtf.bundle.contents import (
    ANATOMY_BANK,
    BUNDLE_FILE,
    STYLE_BANK,
    model_folder,
    read_description,
    sha256_of,
)
from cmrtf.bundle.models import Arrays, BundleModels
from cmrtf.bundle.signatures import LABEL_VAE, SPADE_GAN
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.appearance import AppearanceBank


@dataclass(frozen=True)
class Bundle(BundleModels):
    """An opened bundle.

    Args:
        path: its folder.
        description: the content of `bundle.json`.
        signatures: by model and name.
    """

    path: Path
    description: dict[str, Any]
    signatures: dict[str, Any]

    rows_per_call = 32
    """Enough to keep the cores busy, few enough for little memory."""

    @classmethod
    def open(cls, path: Path) -> "Bundle":
        """Verify the checksums of a bundle and load it.

        Raises:
            CmrtfError: `path` is not a bundle, or a file of it is missing, changed or was added.
        """
        description = read_description(path)
        models = {
            model: tf.saved_model.load(str(model_folder(path, model))).signatures
            for model in (LABEL_VAE, SPADE_GAN)
        }
        return cls(path, description, models)

    @property
    def sha256(self) -> str:
        """Hash of `bundle.json`, which holds the hashes of all other files: names the whole bundle."""
        return sha256_of(self.path / BUNDLE_FILE)

    @property
    def provenance(self) -> dict[str, Any]:
        """The hash of the bundle."""
        return {"bundle_sha256": self.sha256}

    def call(self, model: str, signature: str, inputs: Arrays, output: str) -> NDArray[Any]:
        """One output of a signature."""
        tensors = {name: tf.constant(values) for name, values in inputs.items()}
        return self.signatures[model][signature](**tensors)[output].numpy()

    def appearance_bank(self) -> AppearanceBank:
        """The appearances of the training subjects."""
        return AppearanceBank.load(self.path / STYLE_BANK)

    def anatomy_prior(self) -> AnatomyPrior:
        """The distribution that new hearts are drawn from.

        Raises:
            CmrtfError: the bundle has none.
        """
        file = self.path / ANATOMY_BANK
        if not file.is_file():
            raise CmrtfError(
                f"{self.path}: expected {ANATOMY_BANK}, from a label VAE that was trained to the end on two "
                "subjects or more with ED and ES. Received: a bundle without it."
            )
        return AnatomyPrior.load(file)
