"""Models and a segmenter whose answers are known: codes are signed distances, grey levels are labels."""

import numpy as np

from cmrtf.core.geometry import Geometry
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject
from cmrtf.shape.signed_distance import signed_distances

SIZE = 96
SLICES = 6
GREY = np.array([-0.8, 0.7, -0.2, 0.4], np.float32)
AFFINE = np.array([[-1.5, 0, 0, 30], [0, -1.2, -6, 40], [0, 0.9, -8, 50], [0, 0, 0, 1.0]])
NUM_TRAINING = 6
NUM_SUBJECTS = 10


class ExactModels:
    """Reconstructs every label map; between two codes it does what shape-based interpolation does."""

    def encode(self, label_ids):
        return np.stack([signed_distances(slice_ids).ravel() for slice_ids in label_ids])

    def decode(self, codes):
        return codes.reshape(-1, 4, SIZE, SIZE).argmax(axis=1).astype(np.uint8)

    def encode_style(self, image):
        return image.mean(axis=(1, 2))[:, None].astype(np.float32)

    def synthesize(self, label_ids, styles):
        texture = np.random.default_rng(0).normal(0, 0.05, label_ids.shape)
        return (GREY[label_ids] + 0.01 * styles[:, :, None] + texture).astype(np.float32)


class GreySegmenter:
    """Reads the grey levels; features are mean intensities of rows."""

    def segment(self, images):
        return np.abs(images[..., None] - GREY).argmin(axis=-1).astype(np.uint8)

    def features(self, images):
        return images.mean(axis=2).astype(np.float32)


def real_subjects():
    """To train on, and held out: the later, the larger and the brighter."""
    subjects = [_subject(number) for number in range(1, NUM_SUBJECTS + 1)]
    return subjects[:NUM_TRAINING], subjects[NUM_TRAINING:]


def _subject(number):
    stacks = {}
    for phase, scale in (("ED", 1.0), ("ES", 0.8)):
        label_ids = _ring_and_crescent(SIZE * (0.2 + 0.02 * number) * scale)
        noise = np.random.default_rng(number).normal(0, 0.05, label_ids.shape)
        image = np.clip(np.array([-0.8, 0.7, -0.2, 0.5])[label_ids] + 0.05 * number + noise, -1, 1)
        geometry = Geometry.of(AFFINE, label_ids.shape[::-1])
        stacks[phase] = Stack(image.astype(np.float32), label_ids, geometry, (10.0 * number, 100.0 * number))
    return Subject(f"S{number}", "source", stacks, vendor="AB"[number % 2], pathology="NOR")


def _ring_and_crescent(radius):
    """LV cavity in its myocardium, RV beside it, growing from apex to base: `(slices, size, size)`."""
    y, x = np.indices((SIZE, SIZE)) - (SIZE - 1) / 2
    slices = []
    for scale in np.linspace(0.6, 1.0, SLICES):
        distance = np.hypot(x, y) / (radius * scale)
        crescent = np.hypot(x + 1.3 * radius, y) < radius * scale
        slices.append(np.select([distance < 0.6, distance < 1.0, crescent], [1, 2, 3], 0))
    return np.stack(slices).astype(np.uint8)


def with_images(subject, function):
    """The subject with other images: `function` of each stack's."""
    return subject.with_stacks(
        {phase: stack.with_image(function(stack.image)) for phase, stack in subject.stacks.items()}
    )


def with_labels(subject, function):
    """The subject with other labels: `function` of each stack's."""
    return subject.with_stacks(
        {phase: stack.with_labels(function(stack.label_ids)) for phase, stack in subject.stacks.items()}
    )


def table(section, title):
    """The table of a section with a title."""
    (wanted,) = [table for table in section.tables if table.title == title]
    return wanted
