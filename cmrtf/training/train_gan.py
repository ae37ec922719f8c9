"""Training of the SPADE GAN."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.core.labels import SCHEMA
from cmrtf.losses import PerceptualLoss
from cmrtf.models.differentiable_augmentation import NUM_DRAWS
from cmrtf.models.spade_gan import SPADEGAN
from cmrtf.training.banks import STYLE_BANK_FILE, write_style_bank
from cmrtf.training.config import GANConfig
from cmrtf.training.distributed import check_batch_size, is_chief, mirrored_strategy
from cmrtf.training.fused_adam import FusedAdam
from cmrtf.training.input_pipeline import Slices, image_batches
from cmrtf.training.loop import opened_run, train
from cmrtf.training.samples import COLUMNS, draw_syntheses

KIND = "spade_gan"
SHOWN = ("g_hinge", "d_hinge", "feature_matching", "reconstruction", "kl", "val_l1")


def build_spade_gan(config: GANConfig, size: int) -> SPADEGAN:
    """The model that `config` describes, for `size` x `size` images."""
    keras.config.set_dtype_policy(config.precision)
    return SPADEGAN(
        num_classes=SCHEMA.num_classes,
        size=size,
        style_dim=config.style_dim,
        base_width=config.base_width,
        hidden_channels=config.hidden_channels,
        style_base_width=config.style_base_width,
        discriminator_base_width=config.discriminator_base_width,
        discriminator_layers=config.discriminator_layers,
    )


def train_gan(prepared: Path, run_path: Path, config: GANConfig, seed: int = 0, resume: bool = False) -> None:
    """Train a SPADE GAN on the "train" subjects of a prepared cohort.

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
    training = Slices.of_split(cohort, "train")

    def batches(steps: range) -> tf.data.Dataset:
        return image_batches(
            training, config.augmentation, config.batch_size, steps, seed, config.style_dim, NUM_DRAWS
        )

    with opened_run(run_path, KIND, config, seed, cohort.data_hash, resume) as run:
        keras.utils.set_random_seed(seed)
        with strategy.scope():
            model = build_spade_gan(config, training.image.shape[-1])
            model.compile(
                _adam(config.g_learning_rate, config.steps),
                _adam(config.d_learning_rate, config.steps),
                config.loss_weights,
                config.average_decay,
                config.augment_discriminator,
                PerceptualLoss(Path(config.perceptual_weights)) if config.perceptual_weights else None,
            )
        train(model, run, batches, SynthesisReport(model, _samples(cohort), run.samples), SHOWN)
        if is_chief(strategy):
            write_style_bank(model, cohort, run.path / STYLE_BANK_FILE)


def _adam(learning_rate: float, steps: int) -> keras.optimizers.Optimizer:
    """Adam with SPADE's beta_1 of 0; the rate is constant, then falls to zero along a cosine."""
    return FusedAdam(_HalfCosine(learning_rate, steps), beta_1=0.0, beta_2=0.99)


@keras.saving.register_keras_serializable(package="cmrtf")
class _HalfCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Constant over the first half of the run, then down to zero along a cosine."""

    def __init__(self, learning_rate: float, steps: int) -> None:
        self.learning_rate = learning_rate
        self.steps = steps

    def __call__(self, step: Any) -> tf.Tensor:
        progress = tf.cast(step, tf.float32) / self.steps
        late = tf.clip_by_value(2.0 * progress - 1.0, 0.0, 1.0)
        return self.learning_rate * 0.5 * (1.0 + tf.cos(np.pi * late))

    def get_config(self) -> dict[str, Any]:
        return {"learning_rate": self.learning_rate, "steps": self.steps}


def _samples(cohort: PreparedCohort) -> dict[str, NDArray[Any]]:
    """Mid-stack slices of subjects that the GAN is not trained on, or of others where there are none."""
    subjects = cohort.subjects("validation") or cohort.subjects("train")
    volumes = [cohort.load(subjects[i % len(subjects)]) for i in range(COLUMNS)]
    phases = [sorted(volume)[i // len(subjects) % len(volume)] for i, volume in enumerate(volumes)]
    chosen = [volume[phase] for volume, phase in zip(volumes, phases, strict=True)]
    # From a third to two thirds of the stack: where the whole heart is cut.
    at = [round((len(v.image) - 1) * (1 + i % 3 / 2) / 3) for i, v in enumerate(chosen)]
    return {
        "labels": np.stack([v.label_ids[k] for v, k in zip(chosen, at, strict=True)]),
        "real": np.stack([v.image[k] for v, k in zip(chosen, at, strict=True)]),
    }


class SynthesisReport:
    """Validation slices synthesised in their own style and in their neighbour's.

    Called after every interval, it returns `val_l1`, the mean absolute difference of real images and their
    syntheses from their own labels and style, in units of the image range [-1, 1], and draws a picture.

    Args:
        model: the GAN; samples are drawn on its first device, outside the strategy.
        samples: `labels` and `real`, each `(columns, size, size)`.
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
        own, swapped = (t.numpy() for t in self.synthesize(self.samples["labels"], self.samples["real"]))
        l1 = float(np.abs(own - self.samples["real"]).mean())
        rows = {**self.samples, "own style": own, "next style": swapped}
        draw_syntheses(
            self.folder / f"step_{step:06d}.png", rows, f"validation slices, step {step}, L1 {l1:.3f}"
        )
        return {"val_l1": l1}
