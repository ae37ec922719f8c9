"""From a prepared cohort to a bundle in one call: label VAE, GAN and export, each kept when it is done."""

import dataclasses
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from cmrtf.bundle.bundle import Bundle
from cmrtf.core.files import exists
from cmrtf.errors import CmrtfError
from cmrtf.training.config import GANConfig, VAEConfig, load_config
from cmrtf.training.train import DEFAULT_PRESET, train_gan, train_vae


@dataclass(frozen=True)
class BundleTrainer:
    """Trains both models with one preset.

    Args:
        preset: a shipped preset's name, or the path of a YAML file of the same form.
        seed: of weights, batches and augmentation.

    Raises:
        CmrtfError: there is no such preset, or it is not what it should be.
    """

    preset: str = DEFAULT_PRESET
    seed: int = 0

    def __post_init__(self) -> None:
        _ = self.recipe

    @property
    def recipe(self) -> Mapping[str, Any]:
        """All that the models depend on but the patients."""
        return {
            "vae": dataclasses.asdict(load_config(self.preset, VAEConfig)),
            "gan": dataclasses.asdict(load_config(self.preset, GANConfig)),
            "seed": self.seed,
        }

    def bundle(self, prepared: Path, folder: Path) -> Bundle:
        """The bundle of models that saw a cohort's training subjects; what is trained already is kept.

        It holds these subjects' codes, so it is not one to give away.

        Args:
            prepared: the cohort.
            folder: for the runs `vae` and `gan`, and for `bundle`.

        Raises:
            CmrtfError: the cohort or a run is not what it should be.
            Stopped: a `SystemExit`; what was trained is saved, and goes on with the next call.
        """
        vae, gan, bundle = folder / "vae", folder / "gan", folder / "bundle"
        if not exists(bundle):
            train_vae(prepared, vae, self.preset, seed=self.seed, resume=True)
            train_gan(prepared, gan, self.preset, seed=self.seed, resume=True)
            export_in_new_process(vae, gan, bundle, patient_codes=True)
        return Bundle.open(bundle)


def export_in_new_process(vae_run: Path, gan_run: Path, out: Path, *, patient_codes: bool) -> None:
    """Export in a process of its own, to have the bytes that `cmrtf export` writes.

    Arguments and errors are those of `export_bundle`.

    Raises:
        CmrtfError: the process was ended from outside, too.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        try:
            process.submit(_export, vae_run, gan_run, out, patient_codes).result()
        except BrokenProcessPool as error:
            raise CmrtfError(
                f"{out}: expected a process that exports. Received: one that was ended from outside, perhaps "
                "for want of memory. What is trained is kept."
            ) from error


def _export(vae_run: Path, gan_run: Path, out: Path, patient_codes: bool) -> None:
    import cmrtf_export  # starts TensorFlow without its chatter

    cmrtf_export.export_bundle(vae_run, gan_run, out, patient_codes=patient_codes)
