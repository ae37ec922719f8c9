"""Training of the label VAE."""

import logging
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.core.labels import SCHEMA
from cmrtf.metrics.overlap import dice
from cmrtf.models.label_vae import LabelVAE
from cmrtf.training.banks import ANATOMY_BANK_FILE, write_anatomy_bank
from cmrtf.training.checkpoints import Checkpoints
from cmrtf.training.config import VAEConfig
from cmrtf.training.distributed import check_batch_size, copy_from_chief, is_chief, mirrored_strategy
from cmrtf.training.fused_adam import FusedAdam
from cmrtf.training.input_pipeline import Slices, label_batches
from cmrtf.training.loop import opened_run, train
from cmrtf.training.pca_initialisation import start_at_principal_shapes
from cmrtf.training.samples import draw_reconstructions

KIND = "label_vae"
SHOWN = ("cross_entropy", "kl", "between", *(f"dice_{name}" for name in SCHEMA.foreground), "active_dims")
ACTIVE_VARIANCE = 0.01
"""A latent dimension is active where the variance over the data of its posterior mean exceeds this:
Burda et al., Importance Weighted Autoencoders, ICLR 2016, section 5 (https://arxiv.org/abs/1509.00519)."""
VALIDATION_SUBJECTS = 200
"""So many at most are held in memory and reconstructed after each interval."""

logger = logging.getLogger(__name__)


def build_label_vae(config: VAEConfig, size: int) -> LabelVAE:
    """The model that `config` describes, for `size` x `size` label maps."""
    keras.config.set_dtype_policy(config.precision)
    return LabelVAE(
        SCHEMA.num_classes, size, config.latent_dim, config.widths, config.depth, config.linear_path
    )


def train_vae(prepared: Path, run_path: Path, config: VAEConfig, seed: int = 0, resume: bool = False) -> None:
    """Train a label VAE on the "train" subjects of a prepared cohort.

    Runs on all GPUs, or on the CPU, of this machine or of all that `TF_CONFIG` names.

    Args:
        prepared: the cohort's folder.
        run_path: folder of the run; see `RunDirectory`.
        config: model and schedule.
        seed: of weights, batches and augmentation.
        resume: continue the run in `run_path` if there is one.

    Raises:
        CmrtfError: the cohort or the run directory is not what it should be.
    """
    cohort = PreparedCohort.open(prepared)
    strategy = mirrored_strategy()
    check_batch_size(config.batch_size, strategy)
    # Walks stay between labelled slices, so the model need not know what none looks like.
    training = Slices.of_split(cohort, "train").labelled()

    def batches(steps: range) -> tf.data.Dataset:
        return label_batches(
            training,
            config.augmentation,
            config.batch_size,
            steps,
            seed,
            config.latent_dim,
            with_neighbours=config.between_weight > 0,
        )

    with opened_run(run_path, KIND, config, seed, cohort.data_hash, resume) as run:
        keras.utils.set_random_seed(seed)
        with strategy.scope():
            model = build_label_vae(config, training.label_ids.shape[-1])
            schedule = keras.optimizers.schedules.CosineDecay(config.learning_rate, config.steps)
            model.compile(
                FusedAdam(schedule), config.kl_weight, config.kl_warmup_steps, config.between_weight
            )
        if config.linear_path and not Checkpoints(model, run.checkpoints).steps():
            start_at_principal_shapes(model, training.label_ids, config.augmentation, seed)
            copy_from_chief(strategy, model.weights)
        report = ReconstructionReport(model, _validation(cohort), run.samples)
        train(model, run, batches, report, SHOWN)
        if is_chief(strategy):
            write_anatomy_bank(model, cohort, run.path / ANATOMY_BANK_FILE)


def _validation(cohort: PreparedCohort) -> list[NDArray[np.uint8]]:
    """Labelled slices of each volume of the validation subjects, or of some evenly among them."""
    subjects = cohort.subjects("validation")
    every = max(1, -(-len(subjects) // VALIDATION_SUBJECTS))
    volumes = [v.label_ids for subject in subjects[::every] for v in cohort.load(subject).values()]
    return [label_ids[label_ids.any(axis=(1, 2))] for label_ids in volumes]


class ReconstructionReport:
    """How well validation subjects are reconstructed, and how the latent space is used.

    Called after every interval, it returns `dice_<structure>` (mean over volumes of the Dice of the
    reconstruction from the posterior mean) and `active_dims`, and draws a picture; it warns when the
    posterior has collapsed.

    Args:
        model: the VAE; validation runs on its first device, outside the strategy.
        volumes: label ids `(slices, size, size)` of the labelled slices of each validation volume.
        samples: folder of the pictures.
    """

    def __init__(self, model: LabelVAE, volumes: list[NDArray[np.uint8]], samples: Path) -> None:
        self.volumes = volumes
        self.samples = samples

        @tf.function(reduce_retracing=True, autograph=False)
        def reconstruct(label_ids: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            mean = model.encode(label_ids).mean
            return mean, tf.argmax(model.decode(mean), axis=-1, output_type=tf.int32)

        self.reconstruct = reconstruct

    def __call__(self, step: int) -> dict[str, float]:
        """Measure, draw, warn."""
        if not self.volumes:
            return {}
        means, reconstructions = zip(*(self.reconstruct(volume) for volume in self.volumes), strict=True)
        scores = [dice(v, r.numpy()) for v, r in zip(self.volumes, reconstructions, strict=True)]
        figures = {}
        for structure in SCHEMA.foreground:
            defined = [score[structure] for score in scores if not np.isnan(score[structure])]
            if defined:
                figures[f"dice_{structure}"] = float(np.mean(defined))
        active = int(np.sum(np.var(np.concatenate(means), axis=0) > ACTIVE_VARIANCE))
        draw_reconstructions(
            self.samples / f"step_{step:06d}.png", self.volumes[0], reconstructions[0].numpy(), scores[0]
        )
        if active == 0:
            logger.warning(
                "step %d: the posterior has collapsed: no latent dimension carries information. "
                "Lower kl_weight or lengthen kl_warmup_steps.",
                step,
            )
        return figures | {"active_dims": active}
