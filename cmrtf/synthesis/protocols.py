"""The protocols `Decoder` and `Models`: what synthesis calls of trained models, wherever they run."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

LABEL_VAE, SPADE_GAN = "label_vae", "spade_gan"
"""The two models, in runs, bundles and on servers."""

ANATOMY_BANK = "anatomy_bank.npz"
STYLE_BANK = "style_bank.json"
"""Files of an `AnatomyPrior` and an `AppearanceBank`, in runs and bundles."""


class Decoder(Protocol):
    """Half of the label VAE of a bundle."""

    def decode(self, codes: NDArray[np.float32]) -> NDArray[np.uint8]:
        """`(batch, latent_dim)` codes to label ids `(batch, size, size)`."""


class Models(Decoder, Protocol):
    """What a bundle, on disk or behind a server, can do. Batches are of any size."""

    def encode(self, label_ids: NDArray[Any]) -> NDArray[np.float32]:
        """`(batch, size, size)` label ids to posterior means `(batch, latent_dim)`."""

    def encode_style(self, image: NDArray[Any]) -> NDArray[np.float32]:
        """`(batch, size, size)` images in [-1, 1] to style means `(batch, style_dim)`."""

    def synthesize(self, label_ids: NDArray[Any], styles: NDArray[np.float32]) -> NDArray[np.float32]:
        """Label ids and a style for each to images `(batch, size, size)` in [-1, 1]."""
