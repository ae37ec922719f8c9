"""Synthetic subjects made of arrays, and data sets of them."""

import numpy as np

from cmrtf.core.geometry import Geometry
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject
from raw_data import heart, image_of, of_patient

WINDOW = (40.0, 320.0)
AFFINE = np.array([[1.5, 0, 0, -90], [0, -1.2, -6, 40], [0, 0.9, -8, 50], [0, 0, 0, 1.0]])
CODES = ("SYN00001", "SYN00002")


def generated_subject(name):
    """A subject on the prepared grid, 6 slices of 128 x 128, with a larger heart at ED than at ES."""
    stacks = {}
    for phase, scale in (("ED", 1.0), ("ES", 0.8)):
        label_ids = of_patient(heart((128, 128, 6), (1.5, 1.5, 10.0), scale=scale), name).transpose(2, 1, 0)
        low, high = WINDOW
        image = (2.0 * (image_of(label_ids, name) - low) / (high - low) - 1.0).astype(np.float32)
        stacks[phase] = Stack(image, label_ids, Geometry.of(AFFINE, (128, 128, 6)), WINDOW)
    return Subject(name, "generated", stacks, vendor="B", centre="2", pathology="DCM")


def provenance_of(subject):
    """What tables are written from."""
    return {
        "subject": subject.name,
        "vendor": subject.vendor,
        "centre": subject.centre,
        "pathology": subject.pathology,
        "phases": list(subject.stacks),
        "intensity_window": list(WINDOW),
        "measures": subject.measures(),
    }


def write_subjects(layout, root):
    """Both subjects of `CODES`, and the tables."""
    root.mkdir(parents=True)
    subjects = [generated_subject(name) for name in CODES]
    for subject in subjects:
        layout.write_subject(root, subject)
    layout.complete(root, map(provenance_of, subjects))
    return subjects
