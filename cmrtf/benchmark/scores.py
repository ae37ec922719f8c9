"""How well one segmenter does on some patients."""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from msgspec import Meta

from cmrtf.core.labels import SCHEMA
from cmrtf.core.subject import Subject
from cmrtf.evaluation.segmenter import (
    ReferenceSegmenter,
    Segmentation,
    dice_per_subject,
    segment_subjects,
)
from cmrtf.metrics.bootstrap import subject_mean
from cmrtf.metrics.overlap import hd95_mm

DICE, HD95, MISSED, ERRORS = "dice", "hd95_mm", "missed_percent", "errors"
MEAN: Final = "mean"
"""Over structures."""

MEASURED: Final = ("LV_EF_percent", "LV_EDV_ml", "LV_ESV_ml", "MYO_mass_ED_g", "RV_EF_percent", "RV_EDV_ml")
"""Clinical measures whose absolute errors are scored."""

SCORED: Final = {
    DICE: (*SCHEMA.foreground, MEAN),
    HD95: SCHEMA.foreground,
    MISSED: SCHEMA.foreground,
    ERRORS: MEASURED,
}
"""Names of what is scored, by measure."""

Scores = dict[str, dict[str, list[float]]]
"""By measure and by structure or clinical measure, a value per patient; NaN where there is none."""

StoredScores = dict[str, dict[str, list[Annotated[float, Meta(ge=0.0, le=1e6)] | None]]]


def score(segmenter: ReferenceSegmenter, subjects: Sequence[Subject]) -> Scores:
    """Dice, HD95, structures missed altogether and errors of clinical measures.

    Args:
        segmenter: that is scored.
        subjects: with their true labels. What these leave unknown is not scored.
    """
    segmentations = segment_subjects(segmenter, subjects)
    overlap = dice_per_subject(subjects, segmentations)
    overlap[MEAN] = [subject_mean(values) for values in zip(*overlap.values(), strict=True)]
    pairs = list(zip(subjects, segmentations, strict=True))
    distances = [_distances_mm(subject, segmentation) for subject, segmentation in pairs]
    errors = [_errors(subject, segmentation) for subject, segmentation in pairs]
    return {
        DICE: dict(overlap),
        HD95: {structure: [of[structure] for of in distances] for structure in SCHEMA.foreground},
        MISSED: {
            structure: [_missed_percent(subject, segmentation, structure) for subject, segmentation in pairs]
            for structure in SCHEMA.foreground
        },
        ERRORS: {name: [of[name] for of in errors] for name in MEASURED},
    }


def to_stored(scores: Scores) -> StoredScores:
    """With null in place of what is no number."""
    return {
        measure: {
            name: [None if math.isnan(value) else value for value in values] for name, values in by.items()
        }
        for measure, by in scores.items()
    }


def from_stored(stored: Mapping[str, Mapping[str, Sequence[Any]]]) -> Scores:
    """Inverse of `to_stored`."""
    return {
        measure: {
            name: [math.nan if value is None else float(value) for value in values]
            for name, values in by.items()
        }
        for measure, by in stored.items()
    }


def _distances_mm(subject: Subject, segmentation: Segmentation) -> dict[str, float]:
    """HD95 by structure; NaN where it was missed altogether."""
    by_stack = [
        hd95_mm(stack.label_ids, segmentation[phase], stack.spacing_mm[::-1], stack.unknown)
        for phase, stack in subject.stacks.items()
    ]
    return {
        structure: subject_mean([distance[structure] for distance in by_stack])
        for structure in SCHEMA.foreground
    }


def _missed_percent(subject: Subject, segmentation: Segmentation, structure: str) -> float:
    """Of the subject's stacks that have a structure, those whose segmentation has none of it."""
    label_id = SCHEMA.id_of(structure)
    return subject_mean(
        [
            100.0 * float(not (segmentation[phase] == label_id).any())
            for phase, stack in subject.stacks.items()
            if stack.knows(structure) and (stack.label_ids == label_id).any()
        ]
    )


def _errors(subject: Subject, segmentation: Segmentation) -> dict[str, float]:
    """Absolute errors by clinical measure; NaN where the labels do not say what is right."""
    segmented = subject.with_stacks(
        {phase: stack.with_labels(segmentation[phase]) for phase, stack in subject.stacks.items()}
    )
    true, measured = subject.measures(), segmented.measures()
    return {
        name: abs(measured[name] - true[name])  # type: ignore[operator]  # neither is None
        if true[name] is not None and measured[name] is not None
        else math.nan
        for name in MEASURED
    }
