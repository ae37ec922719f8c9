"""The hearts that a label VAE was trained on, as codes: what new hearts are drawn from."""

from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cmrtf.data.cohort import PHASES, PreparedCohort
from cmrtf.models.label_vae import LabelVAE
from cmrtf.synthesis.anatomy import Anatomy
from cmrtf.synthesis.anatomy_prior import AnatomyPrior, measure_volumes_ml
from cmrtf.synthesis.pose import landmarks, mean_landmarks, pose_between

ANATOMY_BANK_FILE = "anatomy_bank.npz"


def write_anatomy_bank(model: LabelVAE, cohort: PreparedCohort, path: Path) -> None:
    """Encode the training subjects that have both phases, each labelled in two slices or more.

    All are brought into their mean pose first. Subjects without a slice that shows both ventricles have no
    pose and are left out. Where there are fewer than two, nothing is written: no heart can be drawn then.

    Args:
        model: trained.
        cohort: what it was trained on.
        path: the npz file; it names no subject.
    """
    encode = tf.function(
        lambda label_ids: model.encode(label_ids).mean, reduce_retracing=True, autograph=False
    )
    records, stacks, places = [], [], []
    for subject in cohort.subjects("train"):
        label_ids = {phase: volume.label_ids for phase, volume in cohort.load(subject).items()}
        if all(phase in label_ids and _is_stack(label_ids[phase]) for phase in PHASES):
            place = landmarks(label_ids["ED"])
            if place is not None:
                records.append(cohort.record(subject))
                stacks.append(label_ids)
                places.append(place)
    if len(stacks) < 2:
        return
    spacings_mm = [record.geometry.spacing_mm[2] for record in records]
    usual = mean_landmarks(places)
    AnatomyPrior.of(
        [
            Anatomy.encode(lambda ids: encode(ids).numpy(), label_ids, spacing_mm, pose_between(usual, place))
            for label_ids, spacing_mm, place in zip(stacks, spacings_mm, places, strict=True)
        ],
        np.stack([measure_volumes_ml(*each) for each in zip(stacks, spacings_mm, strict=True)]),
        np.array(spacings_mm),
        np.array([record.pathology for record in records]),
        usual,
    ).save(path)


def _is_stack(label_ids: NDArray[np.uint8]) -> bool:
    return int(np.count_nonzero(label_ids.any(axis=(1, 2)))) >= 2
