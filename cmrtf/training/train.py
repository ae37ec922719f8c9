"""Training as the Python API has it: what was asked for is checked before TensorFlow starts."""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cmrtf.cohort.cohort import MANIFEST_NAME, PreparedCohort
from cmrtf.core.arguments import MAX_SEED, require_flags, require_whole
from cmrtf.core.files import exists, is_file, real_path, require_writable
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.protocols import LABEL_VAE, SPADE_GAN
from cmrtf.tensorflow_start import start_tensorflow
from cmrtf.training.config import GANConfig, VAEConfig, load_config
from cmrtf.training.precision import resolved
from cmrtf.training.run import KINDS, RUN_FILE, RunDirectory

DEFAULT_PRESET = "cpu"


def train_vae(
    prepared: str | os.PathLike[str] | None,
    run: str | os.PathLike[str],
    preset: str | os.PathLike[str] | VAEConfig | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    steps: int | None = None,
    seed: int | None = None,
    resume: bool = False,
    deterministic: bool = False,
) -> None:
    """Train a label VAE on the training subjects of a prepared cohort.

    Runs on all GPUs, or on the CPU, of this machine or of all that `TF_CONFIG` names.

    Args:
        prepared: the cohort's folder; None for that of the run that is continued.
        run: folder of the run: checkpoints, log, pictures.
        preset: a shipped preset's name, the path of a YAML file of the same form, or a configuration. None
            for what the run that is continued was started with, or for `cpu`.
        settings: entries in place of the preset's, such as `{"augmentation.scaling": 0.1}`.
        steps: length of the run where it is not to be the preset's, rounded up to whole intervals. A run
            that is continued may become longer.
        seed: of weights, batches and augmentation. None for that of the run that is continued, or for 0.
        resume: whether to continue the run in the folder if there is one.
        deterministic: whether the same training is to give the same bits each time, on one kind of machine;
            slower on a GPU. Holds for the whole process.

    Raises:
        CmrtfError: the preset, the cohort or the run is not what it should be, or numbers are not finite.
        Stopped: SIGTERM or Ctrl-C stopped the run, which is saved; a `SystemExit` with code 143 or 130.

    Example:
        `cmrtf.train_vae("prepared", "runs/vae", "cpu")`
    """
    require_flags(resume=resume, deterministic=deterministic)
    planned, cohort = plan_run(LABEL_VAE, prepared, run, preset, settings, steps, seed, resume)
    _start_tensorflow()
    from cmrtf.training.train_vae import train_label_vae

    train_label_vae(planned, cohort, resume, deterministic)


def train_gan(
    prepared: str | os.PathLike[str] | None,
    run: str | os.PathLike[str],
    preset: str | os.PathLike[str] | GANConfig | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    steps: int | None = None,
    seed: int | None = None,
    resume: bool = False,
    deterministic: bool = False,
) -> None:
    """Train a SPADE GAN on the training subjects of a prepared cohort.

    Arguments, errors and machines are those of `train_vae`.

    Example:
        `cmrtf.train_gan("prepared", "runs/gan", "cpu")`
    """
    require_flags(resume=resume, deterministic=deterministic)
    planned, cohort = plan_run(SPADE_GAN, prepared, run, preset, settings, steps, seed, resume)
    _start_tensorflow()
    from cmrtf.training.train_gan import train_spade_gan

    train_spade_gan(planned, cohort, resume, deterministic)


def plan_run(
    kind: str,
    prepared: str | os.PathLike[str] | None,
    run: str | os.PathLike[str],
    preset: str | os.PathLike[str] | VAEConfig | GANConfig | None = None,
    settings: Mapping[str, Any] | None = None,
    steps: int | None = None,
    seed: int | None = None,
    resume: bool = False,
) -> tuple[RunDirectory, PreparedCohort]:
    """The run that is asked for, not yet on disk or not yet so, and its cohort.

    Args:
        kind: `label_vae` or `spade_gan`.
        prepared: this and all others as of `train_vae`.
        run: see there.
        preset: see there.
        settings: see there.
        steps: see there.
        seed: see there.
        resume: see there.

    Raises:
        CmrtfError: the preset, the cohort or the run is not what it should be.
    """
    path = Path(run)
    started = RunDirectory.open(path, kind) if resume and exists(path / RUN_FILE) else None
    if preset is None:
        preset = started.config if started else DEFAULT_PRESET
    config: Any = load_config(preset, KINDS[kind], steps, settings)
    of_run = started.config.precision if started else None
    config = replace(config, precision=resolved(config.precision, of_run))
    cohort = PreparedCohort.open(_cohort_folder(prepared, path, started))
    if seed is None:
        seed = started.seed if started else 0
    require_whole("seed", seed, 0, MAX_SEED)
    planned = RunDirectory(path, kind, config, seed, cohort.data_hash, cohort_of_run(cohort.path, path))
    if started:
        is_made_longer = config.steps > started.config.steps and (
            steps is not None or "steps" in (settings or {})
        )
        before = (started.config.steps,) if is_made_longer else ()
        planned = replace(planned, earlier_steps=(*started.earlier_steps, *before), versions=started.versions)
    if "TF_CONFIG" not in os.environ:  # of several machines, the chief checks and starts it for all
        require_writable(path)
        planned.check(resume)
    return planned, cohort


def cohort_of_run(prepared: Path, run: Path) -> str:
    """How a run names its cohort: from its own folder, so that both can be moved together."""
    return Path(os.path.relpath(real_path(prepared), real_path(run))).as_posix()


def _cohort_folder(prepared: str | os.PathLike[str] | None, run: Path, started: RunDirectory | None) -> Path:
    if prepared is not None:
        return Path(prepared)
    if started is None:
        raise CmrtfError(f"{run}: expected a prepared cohort, or a run to continue. Received: neither.")
    folder = started.cohort_folder
    if not (started.prepared and is_file(folder / MANIFEST_NAME)):
        where = f"at {folder}, where it was" if started.prepared else "named in it"
        raise CmrtfError(
            f"{run / RUN_FILE}: expected its prepared cohort {where}. Received: none. Name where it is."
        )
    return folder


def _start_tensorflow() -> None:
    if "tensorflow" not in sys.modules:
        start_tensorflow()
