"""What a bundle keeps of the training subjects: their anatomies and their styles.

The hearts that a label VAE was trained on, as codes: what new hearts are drawn from.

What each training subject looks like, as a style code.
"""

from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.core.labels import PHASES
from cmrtf.core.measures import measure_volumes_ml
from cmrtf.models.label_vae import LabelVAE
from cmrtf.models.spade_gan import SPADEGAN
from cmrtf.shape.pose import landmarks, mean_landmarks, pose_between
from cmrtf.synthesis.anatomy import Anatomy
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.appearance import Appearance, AppearanceBank

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


STYLE_BANK_FILE = "style_bank.json"


def write_style_bank(model: SPADEGAN, cohort: PreparedCohort, path: Path) -> None:
    """Encode the training subjects, each as the mean over its slices in all phases.

    Subjects held out for validation stay out.

    Args:
        model: trained.
        cohort: what it was trained on.
        path: the JSON file, see `AppearanceBank.save`.
    """
    encode = tf.function(lambda image: model.encode_style(image).mean, reduce_retracing=True, autograph=False)
    subjects = {}
    for subject in cohort.subjects("train"):
        record = cohort.record(subject)
        images = np.concatenate([volume.image for volume in cohort.load(subject).values()])
        low, high = np.mean(list(record.intensity_window.values()), axis=0)
        style = encode(images[..., None]).numpy().mean(axis=0)
        subjects[subject] = Appearance(style, (float(low), float(high)), record.vendor, record.centre)
    AppearanceBank(subjects).save(path)
