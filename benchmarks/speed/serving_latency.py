"""Size, load time and latency of the models of a bundle: in Python, in a Session, and behind a server.

The server is the double that the tests use, in a process of its own on the same cores: what is measured
is the model, the protocol and Python on both ends. What TensorFlow Serving itself adds is not in it.
"""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from labels import Material, take
from serving_process import server_process
from timing import Effort, Timing, interleave

from cmrtf.bundle.server import ServedModels
from cmrtf.bundle.signatures import promised_signatures
from cmrtf.core.labels import SCHEMA
from cmrtf.models.standardised_vae import StandardisedVAE
from cmrtf.synthesis.protocols import LABEL_VAE, SPADE_GAN
from cmrtf.training.config import GANConfig, VAEConfig, load_config
from cmrtf.training.train_gan import build_spade_gan
from cmrtf.training.train_vae import build_label_vae
from cmrtf_export.saved_models import save_models
from cmrtf_export.session_model import SessionModel

BATCHES = (1, 8, 32)


def measure_serving(scratch: Path, material: Material, effort: Effort) -> dict[str, Any]:
    """Both models at paper size, with random weights.

    Args:
        scratch: a folder for the SavedModels.
        material: label maps to synthesize images of.
        effort: how long to measure.
    """
    folders, style_dim = _export(scratch)
    loaders = {
        "tf.saved_model.load": lambda folder: tf.saved_model.load(str(folder)),
        "Session": SessionModel,
    }
    loads = {
        model: interleave({name: lambda f=load, d=folder: f(d) for name, load in loaders.items()}, effort)
        for model, folder in folders.items()
    }
    with server_process(folders, workers=4) as server:
        latency = {batch: _latency(folders, server, material, batch, style_dim, effort) for batch in BATCHES}
    return {
        "size_mb": {model: _size_mb(folder) for model, folder in folders.items()},
        "load_s": {
            model: {name: timing.median_ms / 1000.0 for name, timing in timings.items()}
            for model, timings in loads.items()
        },
        "latency": {
            batch: {name: timing.figures("ms") for name, timing in timings.items()}
            for batch, timings in latency.items()
        },
    }


def _export(scratch: Path) -> tuple[dict[str, Path], int]:
    vae_config, gan_config = load_config("paper", VAEConfig), load_config("paper", GANConfig)
    vae, gan = build_label_vae(vae_config, 128), build_spade_gan(gan_config, 128)
    folders = {model: scratch / model / "1" for model in (LABEL_VAE, SPADE_GAN)}
    promised = promised_signatures(SCHEMA.num_classes, 128, vae_config.latent_dim, gan_config.style_dim)
    identity = np.zeros(vae.latent_dim, np.float32), np.eye(vae.latent_dim, dtype=np.float32)
    save_models(StandardisedVAE(vae, *identity), gan, [0.0] * gan_config.style_dim, promised, folders)
    return folders, gan_config.style_dim


def _latency(
    folders: dict[str, Path], server: Any, material: Material, batch: int, style_dim: int, effort: Effort
) -> dict[str, Timing]:
    """Milliseconds of one call of `synthesize`."""
    label_ids = take(material.slices.label_ids, batch).astype("int32")
    styles = tf.random.stateless_normal((batch, style_dim), (0, 1)).numpy()
    python = tf.saved_model.load(str(folders[SPADE_GAN])).signatures["synthesize"]
    session = SessionModel(folders[SPADE_GAN])
    inputs = {"label_ids": label_ids, "style": styles}
    served = {
        name: ServedModels.connect(address)
        for name, address in (("gRPC", server.grpc), ("REST", server.rest))
    }
    return interleave(
        {
            "Python": lambda: python(**{key: tf.constant(values) for key, values in inputs.items()})[
                "image"
            ].numpy(),
            "Session": lambda: session.predict("synthesize", inputs),
            **{name: lambda s=models: s.synthesize(label_ids, styles) for name, models in served.items()},
        },
        effort,
    )


def _size_mb(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
