"""Training of the SPADE GAN."""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.cohort.record import TRAIN, VALIDATION
from cmrtf.core.labels import SCHEMA
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject
from cmrtf.errors import CmrtfError
from cmrtf.losses import PerceptualLoss
from cmrtf.models.differentiable_augmentation import NUM_DRAWS
from cmrtf.models.spade_gan import SPADEGAN
from cmrtf.synthesis.protocols import STYLE_BANK
from cmrtf.tensorflow_start import own_keras_settings
from cmrtf.training.banks import write_style_bank
from cmrtf.training.config import GANConfig
from cmrtf.training.distributed import check_batch_size, is_chief, mirrored_strategy, warn_of_emulation
from cmrtf.training.fused_adam import FusedAdam
from cmrtf.training.input_pipeline import Slices, image_batches
from cmrtf.training.loop import opened_run, train
from cmrtf.training.run import RunDirectory
from cmrtf.training.samples import COLUMNS, draw_syntheses, sample_file

DISPLAYED = ("g_hinge", "d_hinge", "feature_matching", "reconstruction", "kl", "context", "val_l1")
SAMPLE_HEIGHTS = (1 / 3, 1 / 2, 2 / 3)
"""Where stacks are sampled, from the apex (0) to the base (1): where all structures are cut."""


def build_spade_gan(config: GANConfig, size: int) -> SPADEGAN:
    """The model that `config` describes, for `size` x `size` images."""
    keras.config.set_dtype_policy(config.precision)
    return SPADEGAN(
        num_classes=SCHEMA.num_classes,
        size=size,
        style_dim=config.style_dim,
        context_dim=config.context_dim,
        base_width=config.base_width,
        hidden_channels=config.hidden_channels,
        style_base_width=config.style_base_width,
        discriminator_base_width=config.discriminator_base_width,
        discriminator_layers=config.discriminator_layers,
        discriminator_last_stride=config.discriminator_last_stride,
    )


@own_keras_settings()
def train_spade_gan(
    run: RunDirectory, cohort: PreparedCohort, resume: bool = False, deterministic: bool = False
) -> None:
    """Start or continue a run, see `cmrtf.training.train.train_gan`.

    Raises:
        CmrtfError: the run on disk is not this one, or numbers are not finite.
        Stopped: SIGTERM or Ctrl-C stopped the run, which is saved; a `SystemExit` with code 143 or 130.
    """
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    config: GANConfig = run.config
    strategy = mirrored_strategy()
    check_batch_size(config.batch_size, strategy)
    warn_of_emulation(config.precision, strategy)
    training = _completely_labelled(cohort)

    def batches(steps: range) -> tf.data.Dataset:
        return image_batches(
            training, config.augmentation, config.batch_size, steps, run.seed, config.style_dim, NUM_DRAWS
        )

    with cohort.held(), opened_run(run, resume):
        keras.utils.set_random_seed(run.seed)
        with strategy.scope():
            model = build_spade_gan(config, training.image.shape[-1])
            model.compile(
                _adam(config.g_learning_rate, config),
                _adam(config.d_learning_rate, config),
                config.loss_weights,
                config.average_decay,
                config.augment_discriminator,
                PerceptualLoss(Path(config.perceptual_weights)) if config.perceptual_weights else None,
            )
        report = SynthesisReport(model, sample_slices(cohort), run.samples)
        train(model, run, batches, report, DISPLAYED)
        if is_chief(strategy):
            write_style_bank(model, cohort, run.path / STYLE_BANK)


def _completely_labelled(cohort: PreparedCohort) -> Slices:
    """The training slices whose labels are complete: around others background would be drawn as anything.

    Raises:
        CmrtfError: there is none.
    """
    slices = Slices.of_split(cohort, TRAIN).fully_labelled()
    if not len(slices.image):
        raise CmrtfError(
            f"{cohort.path}: expected slices in which all structures are labelled. Received: none, so that "
            f"no image can be learned from whole labels."
        )
    return slices


def _adam(learning_rate: float, config: GANConfig) -> keras.optimizers.Optimizer:
    """Adam with SPADE's beta_1 of 0; the rate is constant, then falls to zero along a cosine."""
    return FusedAdam(HalfCosineDecay(learning_rate, config.steps), beta_1=0.0, beta_2=config.beta_2)


@keras.saving.register_keras_serializable(package="cmrtf")
class HalfCosineDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Constant over the first half of the run, then down to zero along a cosine.

    `keras.optimizers.schedules.CosineDecay` with a warm-up from and to the same rate has other last bits in
    up to a quarter of all steps, with which a run would not resume as it began.

    Args:
        learning_rate: of the first half.
        steps: length of the run.
    """

    def __init__(self, learning_rate: float, steps: int) -> None:
        self.learning_rate = learning_rate
        self.steps = steps

    def __call__(self, step: Any) -> tf.Tensor:
        """The rate at a step."""
        progress = tf.cast(step, tf.float32) / self.steps
        late = tf.clip_by_value(2.0 * progress - 1.0, 0.0, 1.0)
        return self.learning_rate * 0.5 * (1.0 + tf.cos(np.pi * late))

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"learning_rate": self.learning_rate, "steps": self.steps}


def sample_slices(cohort: PreparedCohort) -> dict[str, NDArray[Any]]:
    """One slice for each column of a picture: `labels` and `real`, `(COLUMNS, size, size)`."""
    stacks = list(itertools.islice(_validation_stacks(cohort), COLUMNS))
    heights = itertools.cycle(SAMPLE_HEIGHTS)
    places = [round((stack.num_slices - 1) * height) for stack, height in zip(stacks, heights, strict=False)]
    return {
        "labels": np.stack([stack.label_ids[k] for stack, k in zip(stacks, places, strict=True)]),
        "real": np.stack([stack.image[k] for stack, k in zip(stacks, places, strict=True)]),
    }


def _validation_stacks(cohort: PreparedCohort) -> Iterator[Stack]:
    """Stacks of validation subjects, or of others where there are none, over and over.

    Every subject comes once before any comes again, in its next phase.
    """
    codes = cohort.codes(VALIDATION) or cohort.codes(TRAIN)
    for turn in itertools.count():
        for code in codes:
            subject = cohort[code]
            phases = _best_labelled(subject)
            yield subject.stacks[phases[turn % len(phases)]]


def _best_labelled(subject: Subject) -> list[str]:
    """The phases of a subject in which the fewest structures are unknown: all, or ED alone."""
    known = {
        phase: sum(stack.knows(structure) for structure in SCHEMA.foreground)
        for phase, stack in subject.stacks.items()
    }
    return [phase for phase, count in known.items() if count == max(known.values())]


class SynthesisReport:
    """Validation slices synthesised in their own style and in their neighbour's, after every interval.

    Returns `val_l1`, the mean absolute difference of real images and their syntheses from their own labels
    and style, in units of the image range [-1, 1], and draws a picture.

    Args:
        model: the GAN; samples are drawn on its first device, outside the strategy.
        samples: `labels` and `real`, `(columns, size, size)` both.
        folder: of the pictures.
    """

    def __init__(self, model: SPADEGAN, samples: Mapping[str, NDArray[Any]], folder: Path) -> None:
        self.samples = samples
        self.folder = folder

        @tf.function(autograph=False)
        def synthesize(label_ids: tf.Tensor, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            style = model.encode_style(image[..., None]).mean
            swapped = tf.roll(style, 1, axis=0)
            both = model.synthesize(tf.concat([label_ids, label_ids], 0), tf.concat([style, swapped], 0))
            return tuple(tf.split(both[..., 0], 2))

        self.synthesize = synthesize

    def __call__(self, step: int) -> dict[str, float]:
        """Synthesise, measure, draw."""
        own, swapped = (
            images.numpy() for images in self.synthesize(self.samples["labels"], self.samples["real"])
        )
        l1 = float(np.abs(own - self.samples["real"]).mean())
        rows = {**self.samples, "own style": own, "next style": swapped}
        draw_syntheses(sample_file(self.folder, step), rows, f"validation slices, step {step}, L1 {l1:.3f}")
        return {"val_l1": l1}
