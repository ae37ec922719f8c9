"""What each subject and each vendor looks like, as style codes."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from cmrtf.data.cohort import PreparedCohort
from cmrtf.models.spade_gan import SPADEGAN

STYLE_BANK_FILE = "style_bank.json"

Entry = dict[str, Any]


def write_style_bank(model: SPADEGAN, cohort: PreparedCohort, path: Path) -> None:
    """Encode the training subjects and average: per subject over its slices, per vendor over subjects.

    Writes `{"subjects": {code: entry}, "vendors": {letter: entry}}`, where an entry has `style`, a list
    of `style_dim` numbers, and `intensity_window`, the source values of -1 and 1; that of a subject also has
    its `vendor`. Subjects held out for validation stay out.

    Args:
        model: trained.
        cohort: what it was trained on.
        path: the JSON file.
    """
    encode = tf.function(lambda image: model.encode_style(image).mean, reduce_retracing=True, autograph=False)
    subjects: dict[str, Entry] = {}
    by_vendor: dict[str, list[Entry]] = defaultdict(list)
    for subject in cohort.subjects("train"):
        record = cohort.record(subject)
        images = np.concatenate([volume.image for volume in cohort.load(subject).values()])
        subjects[subject] = {
            "style": encode(images[..., None]).numpy().mean(axis=0).tolist(),
            "intensity_window": np.mean(list(record.intensity_window.values()), axis=0).tolist(),
            "vendor": record.vendor,
        }
        by_vendor[record.vendor].append(subjects[subject])
    vendors = {vendor: _mean(entries) for vendor, entries in by_vendor.items() if vendor}
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps({"subjects": subjects, "vendors": vendors}) + "\n")
    partial.replace(path)


def _mean(entries: list[Entry]) -> Entry:
    return {
        key: np.mean([entry[key] for entry in entries], axis=0).tolist()
        for key in ("style", "intensity_window")
    }
