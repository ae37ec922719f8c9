"""The label VAE at the paper's size: encoding, decoding, a training step."""

import dataclasses
from typing import Any

import tensorflow as tf
from contenders import SHORT, as_in_training, precision
from labels import Material, take
from timing import Effort, interleave

from cmrtf.models.label_vae import LabelVAE
from cmrtf.training.config import VAEConfig, load_config
from cmrtf.training.fused_adam import FusedAdam
from cmrtf.training.input_pipeline import label_batches
from cmrtf.training.train_vae import build_label_vae

INFERENCE_BATCH = 32


def measure_vae(material: Material, effort: Effort) -> dict[str, Any]:
    """Milliseconds per slice in both precisions."""
    config = load_config("paper", VAEConfig)
    models = {short: _build(config, policy) for policy, short in SHORT.items()}
    label_ids = tf.constant(take(material.slices.label_ids, INFERENCE_BATCH))
    codes = tf.random.stateless_normal((INFERENCE_BATCH, config.latent_dim), (0, 1))
    batches = label_batches(
        material.slices, config.augmentation, config.batch_size, range(1), 0, config.latent_dim
    )
    batch = next(iter(batches))

    def calls(kind: str) -> dict[str, Any]:
        functions = {name: tf.function(getattr(m, kind), autograph=False) for name, m in models.items()}
        argument = {"encode": label_ids, "decode": codes, "train_step": batch}[kind]
        return {name: lambda f=function: f(argument) for name, function in functions.items()}

    timings = {kind: interleave(calls(kind), effort) for kind in ("encode", "decode")}
    with as_in_training():
        timings["train_step"] = interleave(calls("train_step"), effort)
    slices = {"encode": INFERENCE_BATCH, "decode": INFERENCE_BATCH, "train_step": config.batch_size}
    return {
        kind: {
            "batch": slices[kind],
            "contenders": {
                name: {
                    **timing.figures("ms_per_slice", slices[kind]),
                    "times_float32": timings[kind]["float32"].median_ms / timing.median_ms,
                }
                for name, timing in timings[kind].items()
            },
        }
        for kind in timings
    }


def _build(config: VAEConfig, policy: str) -> LabelVAE:
    with precision(policy):
        model = build_label_vae(dataclasses.replace(config, precision=policy), 128)
    model.compile(FusedAdam(config.learning_rate), config.kl_weight, config.kl_warmup_steps)
    return model
