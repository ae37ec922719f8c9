"""What an evaluation asks of a segmentation network, and how its segmentations compare with the labels."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cmrtf.evaluation.subjects import Subject
from cmrtf.metrics.bootstrap import subject_mean
from cmrtf.metrics.overlap import dice


class Judge(Protocol):
    """A segmentation network; batches are of any size."""

    def segment(self, images: NDArray[Any]) -> NDArray[np.uint8]:
        """`(n, height, width)` images in [-1, 1] to label ids of the same shape."""

    def features(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """`(n, height, width)` images in [-1, 1] to feature vectors `(n, dim)`."""


def segment_subjects(judge: Judge, subjects: Sequence[Subject]) -> list[dict[str, NDArray[np.uint8]]]:
    """Label ids as the judge sees them, by phase, of each subject."""
    return [{phase: judge.segment(v.image) for phase, v in subject.stacks()} for subject in subjects]


def dice_per_subject(
    subjects: Sequence[Subject], segmented: Sequence[dict[str, NDArray[np.uint8]]]
) -> dict[str, list[float]]:
    """By structure, the mean Dice of each subject's stacks; NaN where the structure is in none of them.

    Args:
        subjects: with the labels to compare with.
        segmented: of `segment_subjects`.
    """
    values: dict[str, list[float]] = defaultdict(list)
    for subject, made in zip(subjects, segmented, strict=True):
        of_stacks = [dice(volume.label_ids, made[phase]) for phase, volume in subject.stacks()]
        for structure in of_stacks[0]:
            values[structure].append(subject_mean([found[structure] for found in of_stacks]))
    return values
