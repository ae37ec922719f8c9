"""A training step of the SPADE GAN, both players, at the paper's size."""

from typing import Any

import tensorflow as tf
from contenders import FORMS, as_in_training, build_gan, gan_batch
from labels import Material
from timing import Effort, interleave

from cmrtf.models.spade_gan import SPADEGAN
from cmrtf.training.config import GANConfig, load_config


def measure_training(material: Material, effort: Effort) -> dict[str, Any]:
    """Milliseconds per image, ratios to dense float32, and how far bfloat16's losses are from float32's."""
    config = load_config("paper", GANConfig)
    batch = gan_batch(config, material.slices)
    with as_in_training():
        models = {name: build_gan(config, *form) for name, form in FORMS.items()}
        weights = models["distinct float32"].get_weights()
        for model in models.values():
            model.set_weights(weights)
        steps = {name: tf.function(model.train_step, autograph=False) for name, model in models.items()}
        losses = {
            name: [_losses(model, steps[name], batch) for _ in range(2)] for name, model in models.items()
        }
        timings = interleave({name: lambda step=step: step(batch) for name, step in steps.items()}, effort)
    reference = timings["dense float32"].median_ms
    return {
        "batch": config.batch_size,
        "contenders": {
            name: {
                **timing.figures("ms_per_image", config.batch_size),
                "times_dense_float32": reference / timing.median_ms,
            }
            for name, timing in timings.items()
        },
        "losses": losses,
        "loss_differences": {
            name: [
                {
                    term: _relative(value, losses["distinct float32"][number][term])
                    for term, value in step.items()
                }
                for number, step in enumerate(losses[name])
            ]
            for name in losses
            if name != "distinct float32"
        },
    }


def _losses(model: SPADEGAN, step: Any, batch: dict[str, tf.Tensor]) -> dict[str, float]:
    """Take a step; the losses that it began with."""
    for tracker in model.metrics:
        tracker.reset_state()
    return {name: float(value) for name, value in step(batch).items()}


def _relative(value: float, reference: float) -> float:
    return abs(value - reference) / max(abs(reference), 1e-12)
