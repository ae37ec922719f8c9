"""From two training runs to a bundle."""

import dataclasses
import json
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import tensorflow as tf

from cmrtf.data.preparation import SIZE, SPACING_MM
from cmrtf.errors import CmrtfError
from cmrtf.folders import new_folder, require_new_folder
from cmrtf.training import train_gan, train_vae
from cmrtf.training.checkpoints import restore_for_inference
from cmrtf.training.run_directory import RunDirectory
from cmrtf.training.style_bank import STYLE_BANK_FILE
from cmrtf.version import __version__
from cmrtf_export.bundle import LABEL_VAE, SPADE_GAN, STYLE_BANK, describe
from cmrtf_export.model_card import model_card
from cmrtf_export.saved_models import save_label_vae, save_spade_gan


def export_bundle(vae_run: Path, gan_run: Path, out: Path) -> None:
    """Write a bundle; `out` appears when it is complete, or not at all.

    Args:
        vae_run: run directory of a trained label VAE.
        gan_run: run directory of a trained SPADE GAN.
        out: a folder that does not exist yet or is empty.

    Raises:
        CmrtfError: a run is not one or is not trained, or `out` holds something or cannot be written.
    """
    require_new_folder(out)
    runs = {
        kind: RunDirectory.open(path, kind) for kind, path in (("label_vae", vae_run), ("spade_gan", gan_run))
    }
    if not (gan_run / STYLE_BANK_FILE).is_file():
        raise CmrtfError(
            f"{gan_run / STYLE_BANK_FILE}: expected the style bank of a finished run, but there is none. "
            "Let `cmrtf train-gan --resume` finish the run."
        )
    with new_folder(out) as folder:
        try:
            _write(folder, runs)
        except (tf.errors.ResourceExhaustedError, tf.errors.PermissionDeniedError) as error:
            raise CmrtfError(
                f"{out}: expected to be able to write here. Received: {error.message}."
            ) from error


def _write(folder: Path, runs: dict[str, RunDirectory]) -> None:
    vae = train_vae.build_label_vae(runs["label_vae"].config, SIZE)
    vae_step = restore_for_inference(vae, runs["label_vae"].checkpoints)
    gan = train_gan.build_spade_gan(runs["spade_gan"].config, SIZE)
    gan_step = restore_for_inference(gan, runs["spade_gan"].checkpoints)
    save_label_vae(vae, folder / LABEL_VAE)
    save_spade_gan(gan, vae, folder / SPADE_GAN)
    shutil.copyfile(runs["spade_gan"].path / STYLE_BANK_FILE, folder / STYLE_BANK)
    training: dict[str, Any] = {
        "image": {"size": SIZE, "spacing_mm": SPACING_MM, "range": [-1.0, 1.0]},
        "label_vae": _provenance(runs["label_vae"], vae_step),
        "spade_gan": _provenance(runs["spade_gan"], gan_step),
        "versions": {"cmrtf": __version__, **{name: version(name) for name in ("tensorflow", "keras")}},
    }
    (folder / "README.md").write_text(model_card(training))
    describe(folder, training)


def _provenance(run: RunDirectory, step: int) -> dict[str, Any]:
    return {
        "config": json.loads(json.dumps(dataclasses.asdict(run.config))),
        "steps_trained": step,
        "seed": run.seed,
        "data_hash": run.data_hash,
        "metrics": run.last_metrics(),
    }
