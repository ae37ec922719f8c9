"""What is in a bundle, and that it is what was exported.

BUNDLE/
  bundle.json          format, versions, label schema, sizes, training, checksums
  label_vae/1/         SavedModel: encode, decode, interpolate
  spade_gan/1/         SavedModel: synthesize, encode_style, walk, walk_average
  style_bank.json      style codes to draw appearances from, and means per vendor and centre
  anatomy_bank.npz     label codes of hearts to draw from, if there were subjects with both phases
  README.md            the model card, yours to complete: no checksum
  serving/             configuration for TF Serving, yours to edit: no checksums
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from cmrtf.core.files import exists, is_file, is_folder, real_path, sha256_of
from cmrtf.core.json_files import Count, Seed, Sha256, Text, read_json, require_json, with_checksum
from cmrtf.core.labels import SCHEMA
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.protocols import LABEL_VAE, SPADE_GAN, STYLE_BANK

VERSION = 1
"""Of the models that `cmrtf export` writes; a server that holds several bundles numbers them itself."""

FORMAT = "cmrtf-bundle"
FORMAT_VERSION = 4
VERSIONS_READ = (3, 4)
"""Version 3 has one style code for each subject in its `style_bank.json`, version 4 one for each place."""
BUNDLE_FILE = "bundle.json"
MODEL_CARD = "README.md"
SERVING = "serving"

REQUIRED = {STYLE_BANK, *(f"{model}/{VERSION}/saved_model.pb" for model in (LABEL_VAE, SPADE_GAN))}
"""Files without which nothing is a bundle. Whether there are anatomies follows from the training subjects."""

Dim = Annotated[int, Meta(ge=1, le=2**16)]
"""Length of a code."""


class FormatEntry(Struct):
    """What says how to read the rest."""

    format: Text
    format_version: int


class SchemaEntry(Struct):
    """The labels that the models know."""

    name: Text
    structures: list[Text]


class ImageEntry(Struct):
    """The slices that the models know."""

    size: Dim
    spacing_mm: float


class VAEConfigEntry(Struct):
    """What a label VAE has that its users need to know."""

    latent_dim: Dim


class GANConfigEntry(Struct):
    """What a SPADE GAN has that its users need to know."""

    style_dim: Dim


class TrainingEntry(Struct):
    """How a model was trained."""

    steps_trained: Count
    seed: Seed
    data_hash: Text
    metrics: dict[Text, float | None]


class VAEEntry(TrainingEntry):
    """A label VAE, and how it was trained."""

    config: VAEConfigEntry


class GANEntry(TrainingEntry):
    """A SPADE GAN, and how it was trained."""

    config: GANConfigEntry


class TrainedOnEntry(Struct):
    """How many training subjects there are of what."""

    subjects: Count
    vendor: dict[Text, Count]
    centre: dict[Text, Count]
    pathology: dict[Text, Count]


class DescriptionEntry(Struct):
    """What `bundle.json` holds, beside its format and versions."""

    schema: SchemaEntry
    image: ImageEntry
    label_vae: VAEEntry
    spade_gan: GANEntry
    versions: dict[Text, Text]
    sha256: dict[Text, Sha256]
    banks: dict[Text, int] = {}
    patient_codes: bool = True
    trained_on: TrainedOnEntry | None = None


def model_folder(bundle: Path, model: str) -> Path:
    """The SavedModel of `label_vae` or `spade_gan`; its parent is a base path for TF Serving."""
    return bundle / model / str(VERSION)


def describe(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write `bundle.json` of a bundle whose other files are in place.

    Args:
        folder: the bundle.
        facts: what the models are and were trained with.
    """
    description = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "schema": SCHEMA.to_dict(),
        **facts,
        "sha256": {name: sha256_of(folder / name) for name in _members(folder)},
    }
    (folder / BUNDLE_FILE).write_text(json.dumps(with_checksum(description), indent=2) + "\n")


def read_description(path: Path) -> dict[str, Any]:
    """Read `bundle.json` and verify that the files are those that were exported, and no others.

    No others: a loader may prefer a file that was added (`saved_model.cpb`) to the one that was checked.

    Raises:
        CmrtfError: there is none, it is of another format, or a file is missing, changed, added or
            lies outside the bundle.
    """
    file = path / BUNDLE_FILE
    expected = f"a bundle made by `cmrtf export`, with a {BUNDLE_FILE}"
    if not exists(file):
        raise CmrtfError(f"{path}: expected {expected}. Received: none.")
    description = read_json(file, FormatEntry, expected)
    bundle_format, bundle_version = description["format"], description["format_version"]
    if bundle_format != FORMAT or bundle_version not in VERSIONS_READ:
        raise CmrtfError(
            f"{file}: expected {FORMAT} version {FORMAT_VERSION}. "
            f"Received: {bundle_format} version {bundle_version}. "
            "Export the runs again with this cmrtf."
        )
    require_json(description, DescriptionEntry, file, expected)
    if description["schema"] != SCHEMA.to_dict():
        raise CmrtfError(
            f"{file}: expected labels in {SCHEMA.name} order {SCHEMA.structures}. "
            f"Received: {description['schema']}."
        )
    checksums = description["sha256"]
    for name in REQUIRED - checksums.keys():
        raise CmrtfError(f"{file}: expected a checksum of {name}, which every bundle has. Received: none.")
    for name, checksum in checksums.items():
        _verify(path, name, checksum)
    for name in _members(path):
        if name not in checksums:
            raise CmrtfError(
                f"{path / name}: expected nothing but the files that were exported. "
                "Received: one that was added."
            )
    return description


def bundle_sha256(bundle: Path) -> str:
    """Hash of `bundle.json`, which holds the hashes of all other files: names the whole bundle."""
    return sha256_of(bundle / BUNDLE_FILE)


def _verify(bundle: Path, name: str, expected: str) -> None:
    member = bundle / name
    if not real_path(member).is_relative_to(real_path(bundle)):
        raise CmrtfError(f"{bundle / BUNDLE_FILE}: expected files inside the bundle. Received: {name}.")
    if not is_file(member):
        raise CmrtfError(f"{member}: expected a file of the bundle, but there is none.")
    if sha256_of(member) != expected:
        raise CmrtfError(f"{member}: expected the file that was exported. Received: one of another content.")


def _members(folder: Path) -> list[str]:
    """All files that have a checksum, links included."""
    files = (
        file.relative_to(folder) for file in folder.rglob("*") if not is_folder(file) or os.path.islink(file)
    )
    return sorted(
        file.as_posix() for file in files if file.parts[0] not in (SERVING, MODEL_CARD, BUNDLE_FILE)
    )
