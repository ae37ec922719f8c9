"""What each training subject looks like, as a style code."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from cmrtf.data.cohort import PreparedCohort
from cmrtf.models.spade_gan import SPADEGAN
from cmrtf.synthesis.appearance import Appearance, AppearanceBank

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
