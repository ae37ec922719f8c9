"""What each subject and each vendor looks like, as style codes."""

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import tensorflow as tf

from cmrtf.data.cohort import PreparedCohort
from cmrtf.models.spade_gan import SPADEGAN

STYLE_BANK_FILE = "style_bank.json"


def write_style_bank(model: SPADEGAN, cohort: PreparedCohort, path: Path) -> None:
    """Encode the training subjects and average: per subject over its slices, per vendor over subjects.

    Writes `{"subjects": {code: style}, "vendors": {letter: style}}`, each style a list of
    `style_dim` numbers. Subjects held out for validation stay out.

    Args:
        model: trained.
        cohort: what it was trained on.
        path: the JSON file.
    """
    encode = tf.function(lambda image: model.encode_style(image).mean, reduce_retracing=True)
    subjects, vendors = {}, defaultdict(list)
    for subject in cohort.subjects("train"):
        images = np.concatenate([volume.image for volume in cohort.load(subject).values()])
        style = encode(images[..., None]).numpy().mean(axis=0)
        subjects[subject] = style.tolist()
        vendors[cohort.record(subject).vendor].append(style)
    bank = {
        "subjects": subjects,
        "vendors": {vendor: np.mean(styles, axis=0).tolist() for vendor, styles in vendors.items() if vendor},
    }
    path.write_text(json.dumps(bank) + "\n")
