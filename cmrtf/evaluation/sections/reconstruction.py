"""How well the label VAE knows hearts: what it makes of labels, and of slices that it was not shown."""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cmrtf.core.labels import SCHEMA
from cmrtf.evaluation.section import Section, Table
from cmrtf.evaluation.subjects import Subject
from cmrtf.metrics.bootstrap import mean_estimate, paired_difference
from cmrtf.metrics.overlap import dice, surface_distances
from cmrtf.shape.signed_distance import add_residuals, nearest, residuals, shape_based
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
    )


def reconstruct(models: Models, label_ids: Labels) -> Labels:
    """What the VAE makes of a stack; slices without labels stay so, as in walks."""
    labelled = label_ids.any(axis=(1, 2))
    result = np.zeros_like(label_ids)
    result[labelled] = models.decode(models.encode(label_ids[labelled]))
    return result


def _reconstruction_tables(models: Models, subjects: Sequence[Subject]) -> list[Table]:
    overlap, distance, volume = (_per_subject() for _ in range(3))
    for subject in subjects:
        for phase, truth in subject.stacks():
            made = reconstruct(models, truth.label_ids)
            surfaces = surface_distances(truth.label_ids, made, subject.spacing_mm(phase))
            for structure, value in dice(truth.label_ids, made).items():
                real, synthetic = (
                    np.count_nonzero(stack == SCHEMA.id_of(structure)) for stack in (truth.label_ids, made)
                )
                overlap[phase][structure].append(value)
                distance[phase][structure].append(surfaces[structure].hd95_mm)
                volume[phase][structure].append(100.0 * (synthetic - real) / real if real else float("nan"))
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


def _left_out_tables(models: Models, subjects: Sequence[Subject]) -> list[Table]:
    values = _per_subject()
    for subject in subjects:
        of_subject: PerSubject = _per_subject()
        for _, volume in subject.stacks():
            for labels in _runs(volume.label_ids):
                for method, made in _fill_in(models, labels).items():
                    for truth, slice_ids in zip(labels[1:-1], made, strict=True):
                        for structure, value in dice(truth, slice_ids).items():
                            if (truth == SCHEMA.id_of(structure)).any():
                                of_subject[method][structure].append(value)
        for method, by_structure in of_subject.items():
            for structure, of_slices in by_structure.items():
                values[method][structure].append(float(np.mean(of_slices)))
    better = {
        f"{method} - {SHAPE_BASED}": {
            structure: paired_difference(of_method, values[SHAPE_BASED][structure])
            for structure, of_method in values[method].items()
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
            better,
            "Above zero: the walk knows more than the outlines.",
        ),
    ]


def _runs(label_ids: Labels) -> list[Labels]:
    """Unbroken runs of three labelled slices or more."""
    pieces, _ = ndimage.label(label_ids.any(axis=(1, 2)))
    return [label_ids[span] for (span,) in ndimage.find_objects(pieces) if span.stop - span.start >= 3]


def _fill_in(models: Models, labels: Labels) -> dict[str, Labels]:
    """Each inner slice from its neighbours, by method."""
    codes = models.encode(labels)
    decoded, middle = models.decode(codes), models.decode((codes[:-2] + codes[2:]) / 2.0)

    def each(fill: Callable[[int], NDArray[np.uint8]]) -> Labels:
        return np.concatenate([fill(i) for i in range(len(labels) - 2)])

    classes = SCHEMA.num_classes
    missed = residuals(labels, decoded, classes)
    return {
        NEAREST: each(lambda i: nearest(labels[i], labels[i + 2], [0.5])),
        SHAPE_BASED: each(lambda i: shape_based(labels[i], labels[i + 2], [0.5], classes)),
        LATENT: middle,
        EXACT: add_residuals(middle, (missed[:-2] + missed[2:]) / 2.0, classes),
    }


def _absolute(values: PerSubject) -> PerSubject:
    return {row: {key: [abs(value) for value in of] for key, of in by.items()} for row, by in values.items()}


def _per_subject() -> PerSubject:
    return defaultdict(lambda: defaultdict(list))


def _table(title: str, unit: str, values: PerSubject, note: str) -> Table:
    rows = {
        row: {structure: mean_estimate(of_subjects) for structure, of_subjects in by_structure.items()}
        for row, by_structure in values.items()
    }
    return Table(title, unit, rows, note)
