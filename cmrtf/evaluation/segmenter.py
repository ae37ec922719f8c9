"""What an evaluation asks of a segmentation network, and how its segmentations compare with the labels."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.subject import Subject
from cmrtf.metrics.bootstrap import subject_mean
from cmrtf.metrics.overlap import dice

Segmentation = dict[str, NDArray[np.uint8]]
"""Label ids of one subject by phase, as a network sees them."""


class ReferenceSegmenter(Protocol):
    """A segmentation network; batches are of any size."""

    def segment(self, images: NDArray[Any]) -> NDArray[np.uint8]:
        """`(n, height, width)` images in [-1, 1] to label ids of the same shape."""

    def features(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """`(n, height, width)` images in [-1, 1] to feature vectors `(n, dim)`."""


def segment_subjects(segmenter: ReferenceSegmenter, subjects: Sequence[Subject]) -> list[Segmentation]:
    """What the network sees in each subject."""
    return [
        {phase: segmenter.segment(stack.image) for phase, stack in subject.stacks.items()}
        for subject in subjects
    ]


def dice_per_subject(
    subjects: Sequence[Subject], segmentations: Sequence[Segmentation]
) -> dict[str, list[float]]:
    """By structure, the mean Dice of each subject's stacks; NaN where none has the structure or knows of it.

    Args:
        subjects: with the labels to compare with.
        segmentations: of `segment_subjects`.
    """
    values: dict[str, list[float]] = defaultdict(list)
    for subject, segmentation in zip(subjects, segmentations, strict=True):
        by_stack = [
            dice(stack.label_ids, segmentation[phase], stack.unknown)
            for phase, stack in subject.stacks.items()
        ]
        for structure in by_stack[0]:
            values[structure].append(subject_mean([overlap[structure] for overlap in by_stack]))
    return values
