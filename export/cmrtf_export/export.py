"""From two training runs to a bundle."""

import dataclasses
import json
import logging
from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cmrtf.bundle.contents import (
    MODEL_CARD,
    SERVING,
    describe,
    model_folder,
)
from cmrtf.bundle.models import LoadedModels
from cmrtf.bundle.signatures import promised_signatures
from cmrtf.core.arguments import require_flags
from cmrtf.core.files import is_file, new_folder, require_new_folder, sha256_of
from cmrtf.core.labels import SCHEMA
from cmrtf.core.preparation import SIZE, SPACING_MM
from cmrtf.core.text import counts_by_name
from cmrtf.errors import CmrtfError
from cmrtf.models.standardised_vae import StandardisedVAE
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.appearance import PLACES, average
from cmrtf.synthesis.appearance_bank import AppearanceBank
from cmrtf.synthesis.drawn_banks import draw_anatomy_bank, draw_appearance_bank
from cmrtf.synthesis.group_statistics import LEAST_PATIENTS
from cmrtf.synthesis.protocols import ANATOMY_BANK, LABEL_VAE, SPADE_GAN, STYLE_BANK
from cmrtf.tensorflow_start import own_keras_settings, tensorflow_writing_to
from cmrtf.training import train_gan, train_vae
from cmrtf.training.checkpoints import restore_for_inference
from cmrtf.training.run import COORDINATES, RunDirectory
from cmrtf.version import __version__
from cmrtf_export.model_card import model_card
from cmrtf_export.saved_models import save_models
from cmrtf_export.warmup import write_warmup_requests

FEWEST_ANATOMIES = 2
"""That a run writes a bank of."""

logger = logging.getLogger("cmrtf.export")


@own_keras_settings()
def export_bundle(
    vae_run: Path | str, gan_run: Path | str, out: Path | str, *, patient_codes: bool = False
) -> None:
    """Write a bundle; `out` appears when it is complete, or not at all.

    Hearts and appearances in it are drawn from statistics of groups of patients, so that it can be given to
    whom the patients' data may not be given; see docs/decisions/what-a-bundle-gives-away.md.

    In a process that did nothing with TensorFlow before, the same runs give the same bytes: elsewhere
    TensorFlow numbers what it makes from another number on.

    Args:
        vae_run: run directory of a trained label VAE.
        gan_run: run directory of a trained SPADE GAN.
        out: a folder that does not exist yet or is empty.
        patient_codes: put the codes of every training subject into the bundle instead, by the names of their
            files. They decode to the subjects' labels, and tell who was in training.

    Raises:
        CmrtfError: a run is not one or is not trained, `out` holds something or cannot be written, or there
            are too few training subjects for a bundle without their codes.
    """
    require_flags(patient_codes=patient_codes)
    vae_run, gan_run, out = Path(vae_run), Path(gan_run), Path(out)
    require_new_folder(out)
    runs = {
        kind: RunDirectory.open(path, kind) for kind, path in ((LABEL_VAE, vae_run), (SPADE_GAN, gan_run))
    }
    for file, command in ((vae_run / COORDINATES, "train-vae"), (gan_run / STYLE_BANK, "train-gan")):
        if not is_file(file):
            raise CmrtfError(
                f"{file}: expected this file of a finished run, but there is none. Let `cmrtf {command} "
                "--resume` finish the run; one of an earlier version of cmrtf is finished anew at once."
            )
    if runs[LABEL_VAE].data_hash != runs[SPADE_GAN].data_hash:
        logger.warning(
            "%s: expected both models to be trained on one cohort. Received: two; `cmrtf evaluate` will "
            "refuse the bundle.",
            out,
        )
    with new_folder(out) as folder, tensorflow_writing_to(out):
        _write(folder, runs, patient_codes)


def _write(folder: Path, runs: dict[str, RunDirectory], patient_codes: bool) -> None:
    trained = train_vae.build_label_vae(runs[LABEL_VAE].config, SIZE)
    vae_step = _restored_step(trained, runs[LABEL_VAE], COORDINATES)
    vae = StandardisedVAE.load(trained, runs[LABEL_VAE].path / COORDINATES)
    gan = train_gan.build_spade_gan(runs[SPADE_GAN].config, SIZE)
    gan_step = _restored_step(gan, runs[SPADE_GAN], STYLE_BANK)
    patients = AppearanceBank.load(runs[SPADE_GAN].path / STYLE_BANK)
    least = FEWEST_ANATOMIES if patient_codes else LEAST_PATIENTS
    hearts = _hearts(runs[LABEL_VAE].path / ANATOMY_BANK, least)
    pathologies = hearts.pathologies.tolist() if hearts else []
    appearances = patients if patient_codes else draw_appearance_bank(patients, _secret(runs[SPADE_GAN]))
    appearances.save(folder / STYLE_BANK)
    promised = promised_signatures(SCHEMA.num_classes, SIZE, vae.latent_dim, gan.style_dim)
    folders = {model: model_folder(folder, model) for model in (LABEL_VAE, SPADE_GAN)}
    middle = average(list(appearances.subjects.values())).style[len(PLACES) // 2]
    save_models(vae, gan, middle.tolist(), promised, folders)
    for model, path in folders.items():
        write_warmup_requests(path, model, promised[model])
    if hearts and not patient_codes:
        hearts = draw_anatomy_bank(hearts, LoadedModels(folder, promised), _secret(runs[LABEL_VAE]))
    if hearts:
        hearts.save(folder / ANATOMY_BANK)
    facts: dict[str, Any] = {
        "image": {"size": SIZE, "spacing_mm": SPACING_MM, "range": [-1.0, 1.0]},
        LABEL_VAE: _provenance(runs[LABEL_VAE], vae_step),
        SPADE_GAN: _provenance(runs[SPADE_GAN], gan_step),
        "banks": {STYLE_BANK: len(appearances.subjects), ANATOMY_BANK: len(hearts.codes) if hearts else 0},
        "patient_codes": patient_codes,
        "trained_on": _trained_on(patients, pathologies, patient_codes),
        "versions": {"cmrtf": __version__, **{name: version(name) for name in ("tensorflow", "keras")}},
    }
    (folder / MODEL_CARD).write_text(model_card(facts, promised), encoding="utf-8")
    _copy_serving_files(folder / SERVING)
    describe(folder, facts)


def _restored_step(model: keras.Model, run: RunDirectory, bank: str) -> int:
    """The step of the weights that a model gets, which are those that its bank was made with."""
    step = restore_for_inference(model, run.checkpoints, run.origin)
    if is_file(run.path / bank) and step != run.config.steps:
        raise CmrtfError(
            f"{run.checkpoints}: expected the checkpoint of step {run.config.steps}, with which {bank} was "
            f"made. Received: that of step {step} as the last. Let --resume train to the end again."
        )
    return step


def _copy_serving_files(folder: Path) -> None:
    """Write everything in `cmrtf_export/serving/` into a new folder."""
    folder.mkdir()
    for entry in files("cmrtf_export.serving").iterdir():
        if entry.name not in ("__init__.py", "__pycache__"):
            with as_file(entry) as source:
                (folder / entry.name).write_bytes(source.read_bytes())


def _hearts(anatomy_bank: Path, least: int) -> AnatomyPrior | None:
    """Those of a run; none where fewer than `least` of its subjects had both phases."""
    hearts = AnatomyPrior.load(anatomy_bank) if is_file(anatomy_bank) else None
    if hearts and len(hearts.codes) >= least:
        return hearts
    logger.warning(
        "%s: expected the anatomy bank of a run on %d subjects or more with both phases. Received: %s; the "
        "bundle cannot generate or remodel hearts.",
        anatomy_bank,
        least,
        f"one of {len(hearts.codes)}" if hearts else "none",
    )
    return None


def _trained_on(
    patients: AppearanceBank, pathologies: Sequence[str], patient_codes: bool
) -> dict[str, int | dict[str, int]]:
    """How many training subjects there are of what; small groups are not counted where nobody is named."""
    known = patients.subjects.values()
    least = 1 if patient_codes else LEAST_PATIENTS
    centres = [appearance.centre for appearance in known] if patient_codes else []
    return {
        "subjects": len(known),
        "vendor": counts_by_name((appearance.vendor for appearance in known), least),
        "centre": counts_by_name(centres),
        "pathology": counts_by_name(pathologies, least),
    }


def _secret(run: RunDirectory) -> np.random.Generator:
    """The same for the same run, and unknown to who has only what is drawn."""
    bank = STYLE_BANK if run.kind == SPADE_GAN else ANATOMY_BANK
    return np.random.default_rng(int(sha256_of(run.path / bank), 16))


def _provenance(run: RunDirectory, step: int) -> dict[str, Any]:
    return {
        "config": json.loads(json.dumps(dataclasses.asdict(run.config))),
        "steps_trained": step,
        "seed": run.seed,
        "data_hash": run.data_hash,
        "metrics": run.last_metrics(),
    }
