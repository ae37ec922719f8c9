"""The hearts that a label VAE was trained on, as codes: what new hearts are drawn from."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from cmrtf.data.cohort import PHASES, PreparedCohort, PreparedVolume
from cmrtf.models.label_vae import LabelVAE
from cmrtf.synthesis.anatomy import Anatomy
from cmrtf.synthesis.anatomy_prior import AnatomyPrior, measure_volumes_ml

ANATOMY_BANK_FILE = "anatomy_bank.npz"


def write_anatomy_bank(model: LabelVAE, cohort: PreparedCohort, path: Path) -> None:
    """Encode the training subjects that have both phases, each labelled in two slices or more.

    Where there are fewer than two, nothing is written: new hearts cannot be drawn then.

    Args:
        model: trained.
        cohort: what it was trained on.
        path: the npz file; it names no subject.
    """
    encode = tf.function(
        lambda label_ids: model.encode(label_ids).mean, reduce_retracing=True, autograph=False
    )
    anatomies, volumes_ml, spacings_mm, pathologies = [], [], [], []
    for subject in cohort.subjects("train"):
        record, volumes = cohort.record(subject), cohort.load(subject)
        if all(phase in volumes and _is_stack(volumes[phase]) for phase in PHASES):
            slice_spacing_mm = record.geometry.spacing_mm[2]
            label_ids = {phase: volume.label_ids for phase, volume in volumes.items()}
            anatomies.append(Anatomy.encode(lambda ids: encode(ids).numpy(), label_ids, slice_spacing_mm))
            volumes_ml.append(measure_volumes_ml(label_ids, slice_spacing_mm))
            spacings_mm.append(slice_spacing_mm)
            pathologies.append(record.pathology)
    if len(anatomies) < 2:
        return
    AnatomyPrior(
        np.stack([anatomy.codes for anatomy in anatomies]),
        np.stack([anatomy.ends_mm for anatomy in anatomies]),
        np.array(volumes_ml),
        np.array(spacings_mm),
        np.array(pathologies),
    ).save(path)


def _is_stack(volume: PreparedVolume) -> bool:
    return int(np.count_nonzero(volume.label_ids.any(axis=(1, 2)))) >= 2
