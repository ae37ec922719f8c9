"""Training of the label VAE."""

import logging
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cmrtf.cohort.cohort import LabelArray, PreparedCohort
from cmrtf.cohort.record import TRAIN, VALIDATION
from cmrtf.core.labels import SCHEMA
from cmrtf.core.unknown import Unknown
from cmrtf.metrics.overlap import dice
from cmrtf.models.label_vae import LabelVAE
from cmrtf.models.standardised_vae import StandardisedVAE
from cmrtf.synthesis.protocols import ANATOMY_BANK
from cmrtf.tensorflow_start import own_keras_settings
from cmrtf.training.banks import write_anatomy_bank
from cmrtf.training.checkpoints import Checkpoints
from cmrtf.training.config import VAEConfig
from cmrtf.training.distributed import (
    check_batch_size,
    copy_from_chief,
    is_chief,
    mirrored_strategy,
    warn_of_emulation,
)
from cmrtf.training.fused_adam import FusedAdam
from cmrtf.training.input_pipeline import Slices, label_batches
from cmrtf.training.loop import opened_run, train
from cmrtf.training.pca_initialisation import initialise_with_pca
from cmrtf.training.run import COORDINATES, RunDirectory
from cmrtf.training.samples import draw_reconstructions, sample_file

DISPLAYED = (
    "cross_entropy",
    "kl",
    "between",
    *(f"dice_{structure}" for structure in SCHEMA.foreground),
    "active_dims",
)
ACTIVE_VARIANCE = 0.01
"""A latent dimension is active where the variance over the data of its posterior mean exceeds this:
Burda et al., Importance Weighted Autoencoders, ICLR 2016, section 5 (https://arxiv.org/abs/1509.00519)."""
BATCH_SLICES = 64
"""Encoded at a time, after training."""
VALIDATION_SUBJECTS = 200
"""At most so many are held in memory and reconstructed after each interval."""

LabelledSlices = tuple[NDArray[np.uint8], Unknown]
"""Label ids `(slices, size, size)`, and which structures are unknown in which of the slices."""

logger = logging.getLogger(__name__)
logger.addHandler(logging.NullHandler())  # silent unless logging is switched on


def build_label_vae(config: VAEConfig, size: int) -> LabelVAE:
    """The model that `config` describes, for `size` x `size` label maps."""
    keras.config.set_dtype_policy(config.precision)
    return LabelVAE(
        SCHEMA.num_classes,
        size,
        config.latent_dim,
        config.widths,
        config.depth,
        config.linear_path,
        config.bottleneck_dim,
    )


@own_keras_settings()
def train_label_vae(
    run: RunDirectory, cohort: PreparedCohort, resume: bool = False, deterministic: bool = False
) -> None:
    """Start or continue a run, see `cmrtf.training.train.train_vae`.

    Raises:
        CmrtfError: the run on disk is not this one, or numbers are not finite.
        Stopped: SIGTERM or Ctrl-C stopped the run, which is saved; a `SystemExit` with code 143 or 130.
    """
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    config: VAEConfig = run.config
    strategy = mirrored_strategy()
    check_batch_size(config.batch_size, strategy)
    warn_of_emulation(config.precision, strategy)
    # Interpolations stay between labelled slices, so the model need not know empty ones.
    training = Slices.of_split(cohort, TRAIN).labelled()

    def batches(steps: range) -> tf.data.Dataset:
        return label_batches(
            training,
            config.augmentation,
            config.batch_size,
            steps,
            run.seed,
            config.latent_dim,
            with_neighbours=config.between_weight > 0,
        )

    with cohort.held(), opened_run(run, resume):
        keras.utils.set_random_seed(run.seed)
        with strategy.scope():
            model = build_label_vae(config, training.label_ids.shape[-1])
            schedule = keras.optimizers.schedules.CosineDecay(config.learning_rate, config.steps)
            model.compile(
                FusedAdam(schedule), config.kl_weight, config.kl_warmup_steps, config.between_weight
            )
        if config.linear_path and not Checkpoints(model, run.checkpoints).steps():
            initialise_with_pca(model, _shapes(training), config.augmentation, run.seed)
            copy_from_chief(strategy, model.weights)
        report = ReconstructionReport(model, _validation_stacks(cohort), run.samples)
        train(model, run, batches, report, DISPLAYED)
        if is_chief(strategy):
            standardised = StandardisedVAE.fit(model, _batches(_shapes(training)))
            write_anatomy_bank(standardised, cohort, run.path / ANATOMY_BANK)
            standardised.save(run.path / COORDINATES)  # the last: there is no bundle without


def _shapes(training: Slices) -> LabelArray:
    """The label maps of which all is known, or all where there are none."""
    complete = training.fully_labelled().label_ids
    return complete if len(complete) else training.label_ids


def _batches(label_ids: LabelArray) -> Iterator[NDArray[np.uint8]]:
    return (label_ids[start : start + BATCH_SLICES] for start in range(0, len(label_ids), BATCH_SLICES))


def _validation_stacks(cohort: PreparedCohort) -> list[LabelledSlices]:
    """Labelled slices of each stack of the validation subjects, or of some evenly among them."""
    codes = cohort.codes(VALIDATION)
    every = max(1, -(-len(codes) // VALIDATION_SUBJECTS))
    stacks = [stack for code in codes[::every] for stack in cohort[code].stacks.values()]
    return [
        (stack.label_ids[stack.has_heart], None if stack.unknown is None else stack.unknown[stack.has_heart])
        for stack in stacks
    ]


class ReconstructionReport:
    """Reconstruction of validation subjects and use of the latent space, after every interval.

    Returns `dice_<structure>` (mean over stacks of the Dice of the reconstruction from the posterior mean)
    and `active_dims`, draws a picture, and warns when the posterior has collapsed.

    Args:
        model: the VAE; validation runs on its first device, outside the strategy.
        stacks: the labelled slices of each validation stack.
        samples: folder of the pictures.
    """

    def __init__(self, model: LabelVAE, stacks: list[LabelledSlices], samples: Path) -> None:
        self.stacks = stacks
        self.samples = samples

        @tf.function(reduce_retracing=True, autograph=False)
        def reconstruct(label_ids: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            mean = model.encode(label_ids).mean
            return mean, tf.argmax(model.decode(mean), axis=-1, output_type=tf.int32)

        self.reconstruct = reconstruct

    def __call__(self, step: int) -> dict[str, float]:
        """Measure, draw, warn."""
        if not self.stacks:
            return {}
        means, reconstructions = zip(
            *(self.reconstruct(label_ids) for label_ids, _ in self.stacks), strict=True
        )
        scores = [
            dice(label_ids, reconstruction.numpy(), unknown)
            for (label_ids, unknown), reconstruction in zip(self.stacks, reconstructions, strict=True)
        ]
        draw_reconstructions(
            sample_file(self.samples, step), self.stacks[0][0], reconstructions[0].numpy(), scores[0]
        )
        active = int(np.sum(np.var(np.concatenate(means), axis=0) > ACTIVE_VARIANCE))
        if active == 0:
            logger.warning(
                "step %d: the posterior has collapsed: no latent dimension carries information. "
                "Lower kl_weight or lengthen kl_warmup_steps.",
                step,
            )
        return _mean_dice(scores) | {"active_dims": active}


def _mean_dice(scores: list[dict[str, float]]) -> dict[str, float]:
    """`dice_<structure>`: mean over the stacks in which it is defined, for structures that have any."""
    metrics = {}
    for structure in SCHEMA.foreground:
        defined = [score[structure] for score in scores if not np.isnan(score[structure])]
        if defined:
            metrics[f"dice_{structure}"] = float(np.mean(defined))
    return metrics
