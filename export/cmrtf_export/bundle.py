"""A bundle: the SavedModels of a VAE and a GAN that belong together, and what is needed to use them.

BUNDLE/
  bundle.json          format, versions, label schema, sizes, training, checksums
  label_vae/1/         SavedModel with signatures encode, decode
  spade_gan/1/         SavedModel with signatures synthesize, encode_style, walk
  style_bank.json      style codes per training subject and vendor
  README.md            the model card
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cmrtf.data.schema import SCHEMA
from cmrtf.errors import CmrtfError

FORMAT = "cmrtf-bundle"
FORMAT_VERSION = 1
BUNDLE_FILE = "bundle.json"
LABEL_VAE = Path("label_vae/1")
SPADE_GAN = Path("spade_gan/1")
STYLE_BANK = Path("style_bank.json")
BATCH_SIZE = 32
"""Slices per call of a signature: enough to keep the cores busy, small enough for little memory."""


@dataclass(frozen=True)
class Bundle:
    """An opened bundle; implements `cmrtf.synthesis.interpolation.Models`.

    Args:
        path: its folder.
        description: the content of `bundle.json`.
        label_vae: signatures of the VAE by name.
        spade_gan: signatures of the GAN by name.
    """

    path: Path
    description: dict[str, Any]
    label_vae: Any
    spade_gan: Any

    @classmethod
    def open(cls, path: Path) -> "Bundle":
        """Verify the checksums of a bundle and load it.

        Raises:
            CmrtfError: `path` is not a bundle, or a file of it is missing or was changed.
        """
        description = read_description(path)
        return cls(
            path,
            description,
            tf.saved_model.load(str(path / LABEL_VAE)).signatures,
            tf.saved_model.load(str(path / SPADE_GAN)).signatures,
        )

    @property
    def sha256(self) -> str:
        """Hash of `bundle.json`, which holds the hashes of all other files: names the whole bundle."""
        return _sha256(self.path / BUNDLE_FILE)

    def encode(self, label_ids: NDArray[Any]) -> NDArray[np.float32]:
        """`(batch, size, size)` label ids to posterior means `(batch, latent_dim)`."""
        return _in_batches(
            lambda ids: self.label_vae["encode"](label_ids=ids)["mean"], label_ids.astype(np.int32)
        )

    def decode(self, codes: NDArray[np.float32]) -> NDArray[np.uint8]:
        """`(batch, latent_dim)` codes to label ids `(batch, size, size)`."""
        return _in_batches(lambda code: self.label_vae["decode"](code=code)["label_ids"], codes).astype(
            np.uint8
        )

    def encode_style(self, image: NDArray[Any]) -> NDArray[np.float32]:
        """`(batch, size, size)` images in [-1, 1] to style means `(batch, style_dim)`."""
        return _in_batches(
            lambda batch: self.spade_gan["encode_style"](image=batch)["mean"],
            image[..., None].astype(np.float32),
        )

    def synthesize(self, label_ids: NDArray[Any], styles: NDArray[np.float32]) -> NDArray[np.float32]:
        """Label ids and a style for each to images `(batch, size, size)` in [-1, 1]."""
        return _in_batches(
            lambda ids, style: self.spade_gan["synthesize"](label_ids=ids, style=style)["image"][..., 0],
            label_ids.astype(np.int32),
            styles,
        )

    def style_bank(self) -> dict[str, dict[str, dict[str, list[float]]]]:
        """`subjects` and `vendors` by name, each with its `style` code and `intensity_window`."""
        return json.loads((self.path / STYLE_BANK).read_text())


def describe(folder: Path, training: dict[str, Any]) -> None:
    """Write `bundle.json` of a bundle whose other files are in place.

    Args:
        folder: the bundle.
        training: what the models are and were trained with.
    """
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    description = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "schema": SCHEMA.to_dict(),
        **training,
        "sha256": {file.relative_to(folder).as_posix(): _sha256(file) for file in files},
    }
    (folder / BUNDLE_FILE).write_text(json.dumps(description, indent=2) + "\n")


def read_description(path: Path) -> dict[str, Any]:
    """Read `bundle.json` and verify that every file is as it was exported.

    Raises:
        CmrtfError: there is none, it is of another format, or a file does not match its checksum.
    """
    file = path / BUNDLE_FILE
    try:
        description = json.loads(file.read_text())
        found = (description["format"], description["format_version"])
        checksums = dict(description["sha256"])
    except (OSError, json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise CmrtfError(
            f"{path}: expected a bundle made by `cmrtf export`, with a {BUNDLE_FILE}. Received: {error}."
        ) from error
    if found != (FORMAT, FORMAT_VERSION):
        raise CmrtfError(
            f"{file}: expected {FORMAT} version {FORMAT_VERSION}. Received: {found[0]} version {found[1]}."
        )
    for name, expected in checksums.items():
        member = path / name
        if not member.resolve().is_relative_to(path.resolve()):
            raise CmrtfError(f"{file}: expected files inside the bundle. Received: {name}.")
        if not member.is_file():
            raise CmrtfError(f"{member}: expected a file of the bundle, but there is none.")
        if _sha256(member) != expected:
            raise CmrtfError(
                f"{member}: expected the file that was exported. Received: one of another content."
            )
    return description


def _in_batches(function: Any, *inputs: NDArray[Any]) -> NDArray[Any]:
    starts = range(0, max(len(inputs[0]), 1), BATCH_SIZE)  # once for no slices: they have a shape too
    return np.concatenate(
        [
            function(*(tf.constant(values[start : start + BATCH_SIZE]) for values in inputs)).numpy()
            for start in starts
        ]
    )


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
