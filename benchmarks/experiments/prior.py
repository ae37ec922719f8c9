"""What codes drawn from N(0, I) decode to, at several spreads, beside real slices.

    python benchmarks/experiments/prior.py VAE_RUN PREPARED [DRAWS]

VAE_RUN is a finished run on PREPARED. Draws (default 300) are decoded as they are, nothing is repaired.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.cohort.record import TRAIN
from cmrtf.core.labels import SCHEMA
from cmrtf.core.preparation import SIZE
from cmrtf.models.standardised_vae import SPREAD, StandardisedVAE
from cmrtf.shape.plausibility import check_stack
from cmrtf.synthesis.protocols import LABEL_VAE
from cmrtf.training.checkpoints import restore_for_inference
from cmrtf.training.input_pipeline import Slices
from cmrtf.training.run import COORDINATES, RunDirectory
from cmrtf.training.train_vae import build_label_vae

SPREADS = (1.0, 0.7, 0.6, 0.5, 0.4)


def main(run: RunDirectory, cohort: PreparedCohort, draws: int) -> None:
    vae = build_label_vae(run.config, SIZE)
    step = restore_for_inference(vae, run.checkpoints, run.origin)
    standardised = StandardisedVAE.load(vae, run.path / COORDINATES)
    slices = Slices.of_split(cohort, TRAIN).labelled().label_ids
    rng = np.random.default_rng(0)
    real = slices[np.sort(rng.permutation(len(slices))[:draws])]
    codes = rng.normal(size=(draws, vae.latent_dim)).astype(np.float32)
    print(f"step {step}, {draws} slices each; all three structures, valid, both")
    _print("real training slices", real)
    _print("their reconstructions", _labels(vae.decode(vae.encode(real).mean)))
    _print("N(0, I) in the model's own coordinates", _labels(vae.decode(codes)))
    for spread in SPREADS:
        drawn = _labels(standardised.decode(spread / SPREAD * codes))
        _print(f"N(0, I) in those of the bundle, spread {spread}", drawn)


def _labels(logits: tf.Tensor) -> NDArray[np.uint8]:
    return np.argmax(logits, axis=-1).astype(np.uint8)


def _print(name: str, label_ids: NDArray[np.uint8]) -> None:
    whole = np.array([set(range(SCHEMA.num_classes)) <= set(np.unique(one)) for one in label_ids])
    valid = np.array([one.any() and check_stack(one[None]).slices[0].is_plausible for one in label_ids])
    print(
        f"{name:45} {100 * whole.mean():5.1f} {100 * valid.mean():5.1f} {100 * (whole & valid).mean():5.1f} %"
    )


if __name__ == "__main__":
    main(
        RunDirectory.open(Path(sys.argv[1]), LABEL_VAE),
        PreparedCohort.open(Path(sys.argv[2])),
        int(sys.argv[3]) if len(sys.argv) > 3 else 300,
    )
