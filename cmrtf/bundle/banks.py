"""What a bundle knows of its training subjects: appearances and hearts, as codes of its models."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cmrtf.core.files import is_file
from cmrtf.errors import CmrtfError, FileError
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.appearance_bank import AppearanceBank
from cmrtf.synthesis.protocols import ANATOMY_BANK, LABEL_VAE, SPADE_GAN, STYLE_BANK


def read_appearance_bank(bundle: Path, description: Mapping[str, Any]) -> AppearanceBank:
    """The appearances of the training subjects.

    Args:
        bundle: its folder.
        description: the content of its `bundle.json`.

    Raises:
        CmrtfError: the bank is missing, holds something else, or is not of these models.
    """
    bank = AppearanceBank.load(bundle / STYLE_BANK)
    _require_length(bundle / STYLE_BANK, bank.style_dim, description[SPADE_GAN]["config"]["style_dim"])
    return bank


def read_anatomy_prior(bundle: Path, description: Mapping[str, Any]) -> AnatomyPrior:
    """The distribution that new hearts are drawn from; arguments and errors as of `read_appearance_bank`."""
    file = bundle / ANATOMY_BANK
    if not is_file(file):
        raise CmrtfError(
            f"{bundle}: expected {ANATOMY_BANK}, from a label VAE that was trained to the end on two "
            "subjects or more with LV, myocardium and RV labelled at ED and ES. Received: none."
        )
    prior = AnatomyPrior.load(file)
    _require_length(file, prior.codes.shape[-1], description[LABEL_VAE]["config"]["latent_dim"])
    return prior


def _require_length(bank: Path, received: int, expected: int) -> None:
    if received != expected:
        raise FileError(
            bank, f"expected codes of the bundle's models, {expected} numbers each. Received: {received}."
        )
