"""How well the label VAE reconstructs hearts, and slices that were left out."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cmrtf.core.labels import SCHEMA
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject
from cmrtf.evaluation.section import Headline, Section, Table
from cmrtf.metrics.bootstrap import mean_estimate, paired_difference
from cmrtf.metrics.overlap import dice, hd95_mm
from cmrtf.shape.signed_distance import add_residuals, residuals, shape_based_interpolation
from cmrtf.synthesis.protocols import Models

Labels = NDArray[np.uint8]
PerSubject = dict[str, dict[str, list[float]]]
"""Row and structure to one value per subject."""

NEAREST = "nearest neighbour"
SHAPE_BASED = "signed distance"
LATENT = "latent midpoint"
EXACT = "latent midpoint, exact ends"


def reconstruction_section(models: Models, subjects: Sequence[Subject]) -> Section:
    """Reconstruct subjects that the VAE was not trained on, and fill in slices that were left out.

    Args:
        models: a bundle.
        subjects: held out.
    """
    return Section(
        "label_vae",
        "Label VAE",
        "Does it know the shapes of new patients, and what lies between two slices?",
        [*_reconstruction_tables(models, subjects), *_left_out_tables(models, subjects)],
        Headline("Reconstruction: Dice", "ED"),
    )


def reconstruct(models: Models, label_ids: Labels) -> Labels:
    """A stack encoded and decoded; slices without labels stay so, as in interpolations."""
    labelled = label_ids.any(axis=(1, 2))
    result = np.zeros_like(label_ids)
    result[labelled] = models.decode(models.encode(label_ids[labelled]))
    return result


def _reconstruction_tables(models: Models, subjects: Sequence[Subject]) -> list[Table]:
    overlap, distance, volume = (_per_subject() for _ in range(3))
    for subject in subjects:
        for phase, stack in subject.stacks.items():
            truth, decoded = stack.label_ids, reconstruct(models, stack.label_ids)
            distance_mm = hd95_mm(truth, decoded, stack.spacing_mm[::-1], stack.unknown)
            for structure, value in dice(truth, decoded, stack.unknown).items():
                overlap[phase][structure].append(value)
                distance[phase][structure].append(distance_mm[structure])
                volume[phase][structure].append(_volume_error_percent(stack, decoded, structure))
    return [
        _table("Reconstruction: Dice", "", overlap, "Of each stack as a whole. Higher is better."),
        _table(
            "Reconstruction: HD95",
            "mm",
            distance,
            "The larger of the two directed 95th percentiles, in 3-D: it jumps by the slice spacing where a "
            "structure ends a slice earlier. Lower is better.",
        ),
        _table(
            "Reconstruction: volume error", "%", volume, "Negative: too small. Errors cancel in the mean."
        ),
        _table("Reconstruction: absolute volume error", "%", _absolute(volume), "Lower is better."),
    ]


def _volume_error_percent(truth: Stack, decoded: Labels, structure: str) -> float:
    label_id = SCHEMA.id_of(structure)
    real, synthetic = (np.count_nonzero(label_ids == label_id) for label_ids in (truth.label_ids, decoded))
    return 100.0 * (synthetic - real) / real if real and truth.knows(structure) else float("nan")


def _left_out_tables(models: Models, subjects: Sequence[Subject]) -> list[Table]:
    values = _per_subject()
    for subject in subjects:
        for method, by_structure in _dice_of_left_out(models, subject).items():
            for structure, by_slice in by_structure.items():
                values[method][structure].append(float(np.mean(by_slice)))
    gains = {
        f"{method} - {SHAPE_BASED}": {
            structure: paired_difference(overlap, values[SHAPE_BASED][structure])
            for structure, overlap in values[method].items()
        }
        for method in (LATENT, EXACT)
        if method in values
    }
    return [
        _table(
            "Slice left out: Dice",
            "",
            values,
            "Each inner labelled slice is predicted from its two neighbours, ED and ES. Dice of the slices "
            "that have the structure, averaged per subject.",
        ),
        Table(
            "Slice left out: difference in Dice",
            "",
            gains,
            "Above zero: the interpolation knows more than the contours.",
        ),
    ]


def _dice_of_left_out(models: Models, subject: Subject) -> PerSubject:
    """By method and structure, the Dice of every inner slice that has the structure."""
    values = _per_subject()
    for stack in subject.stacks.values():
        for labels in _runs(stack.label_ids):
            for method, predicted in _fill_in(models, labels).items():
                for truth, slice_ids in zip(labels[1:-1], predicted, strict=True):
                    for structure, value in dice(truth, slice_ids).items():
                        if (truth == SCHEMA.id_of(structure)).any():
                            values[method][structure].append(value)
    return values


def _runs(label_ids: Labels) -> list[Labels]:
    """Unbroken runs of three labelled slices or more."""
    runs, _ = ndimage.label(label_ids.any(axis=(1, 2)))
    return [label_ids[span] for (span,) in ndimage.find_objects(runs) if span.stop - span.start >= 3]


def _fill_in(models: Models, labels: Labels) -> dict[str, Labels]:
    """Each inner slice from its neighbours, by method."""
    codes = models.encode(labels)
    decoded, middle = models.decode(codes), models.decode((codes[:-2] + codes[2:]) / 2.0)
    missed = residuals(labels, decoded)
    neighbours = list(zip(labels[:-2], labels[2:], strict=True))
    return {
        # Of two equally near slices the one above, which shows more of the heart.
        NEAREST: labels[2:],
        SHAPE_BASED: np.concatenate([shape_based_interpolation(a, b, [0.5]) for a, b in neighbours]),
        LATENT: middle,
        EXACT: add_residuals(middle, (missed[:-2] + missed[2:]) / 2.0),
    }


def _absolute(values: PerSubject) -> PerSubject:
    return {
        row: {structure: [abs(value) for value in per_subject] for structure, per_subject in columns.items()}
        for row, columns in values.items()
    }


def _per_subject() -> PerSubject:
    return defaultdict(lambda: defaultdict(list))


def _table(title: str, unit: str, values: PerSubject, note: str) -> Table:
    rows = {
        row: {structure: mean_estimate(per_subject) for structure, per_subject in columns.items()}
        for row, columns in values.items()
    }
    return Table(title, unit, rows, note)
