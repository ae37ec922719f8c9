"""Whether synthetic data help: segmenters trained with and without them, tested on new patients."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.labels import SCHEMA
from cmrtf.core.subject import Subject
from cmrtf.core.unknown import Unknown
from cmrtf.evaluation.section import Headline, Section, Table, single
from cmrtf.evaluation.segmenter import (
    ReferenceSegmenter,
    Segmentation,
    dice_per_subject,
    segment_subjects,
)
from cmrtf.evaluation.subjects import SubjectSlices
from cmrtf.metrics.bootstrap import mean_estimate, paired_difference, subject_mean
from cmrtf.metrics.overlap import hd95_mm

Train = Callable[[NDArray[np.float32], NDArray[np.uint8], int, str, Unknown], ReferenceSegmenter]
"""Images, label ids, seed, name and what is unknown, to a network trained on them for as many steps each."""

PerSubject = dict[str, list[float]]
"""Structure to one value per subject."""

MEAN = "mean"

GAIN = "Gain in Dice from synthetic subjects"


def downstream_utility_section(
    train: Train,
    training: Sequence[Subject],
    synthesize: Callable[[Sequence[Subject]], Sequence[Subject]],
    held_out: Sequence[Subject],
    amounts: Sequence[int],
    seeds: Sequence[int],
) -> Section:
    """Train segmenters on real, synthetic, and real and synthetic subjects together.

    Args:
        train: trains one.
        training: real subjects in an order without meaning; the first `n` of them where only `n` are used.
        synthesize: makes subjects out of real ones. The models behind it have seen all training subjects.
        held_out: the subjects to test on.
        amounts: how many real subjects to use, in rising order.
        seeds: of the trainings of each segmenter; results are averaged over them per patient.
    """
    sets = _training_sets(training, synthesize, amounts)
    tests: dict[str, list[_Test]] = {name: [] for name in sets}
    for number, seed in enumerate(seeds):
        for place, (name, subjects) in enumerate(sets.items(), start=1 + number * len(sets)):
            slices = SubjectSlices.of(subjects)
            progress = f"segmenter {place} of {len(sets) * len(seeds)}, {name}"
            segmenter = train(slices.image, slices.label_ids, seed, progress, slices.unknown)
            tests[name].append(_test(segmenter, held_out))
    return Section(
        "use",
        "Use",
        "Do synthetic data help to segment new patients?",
        _tables(tests, amounts),
        Headline(GAIN, _real_only(amounts[0])),
    )


def _training_sets(
    training: Sequence[Subject],
    synthesize: Callable[[Sequence[Subject]], Sequence[Subject]],
    amounts: Sequence[int],
) -> dict[str, Sequence[Subject]]:
    """What segmenters are trained on, by name."""
    # In one order, so that the same subjects are the same training data.
    real = {amount: sorted(training[:amount], key=lambda subject: subject.name) for amount in amounts}
    synthetic = {amount: synthesize(subjects) for amount, subjects in real.items()}
    sets: dict[str, Sequence[Subject]] = {}
    for amount in amounts:
        # As many of both, or a few real subjects would hardly be seen among many synthetic ones.
        repetitions = max(1, round(len(synthetic[amount]) / len(real[amount])))
        sets[_real_only(amount)] = real[amount]
        sets[_with_synthetic(amount)] = [*real[amount] * repetitions, *synthetic[amount]]
    sets[f"synthetic only, from {amounts[-1]}"] = synthetic[amounts[-1]]
    return sets


def _real_only(amount: int) -> str:
    return f"{amount} real"


def _with_synthetic(amount: int) -> str:
    return f"{amount} real + synthetic"


@dataclass(frozen=True)
class _Test:
    """How well one segmenter does on new patients.

    Args:
        dice: by structure, and the mean over structures as `MEAN`.
        hd95_mm: by structure; NaN where it was missed altogether.
        missed_percent: by structure, of the subject's stacks that have it.
    """

    dice: PerSubject
    hd95_mm: PerSubject
    missed_percent: PerSubject


def _test(segmenter: ReferenceSegmenter, subjects: Sequence[Subject]) -> _Test:
    segmentations = segment_subjects(segmenter, subjects)
    overlap = dice_per_subject(subjects, segmentations)
    overlap[MEAN] = [subject_mean(values) for values in zip(*overlap.values(), strict=True)]
    distance_mm: PerSubject = {structure: [] for structure in SCHEMA.foreground}
    missed_percent: PerSubject = {structure: [] for structure in SCHEMA.foreground}
    for subject, segmentation in zip(subjects, segmentations, strict=True):
        distances = [
            hd95_mm(stack.label_ids, segmentation[phase], stack.spacing_mm[::-1], stack.unknown)
            for phase, stack in subject.stacks.items()
        ]
        for structure in SCHEMA.foreground:
            distance_mm[structure].append(subject_mean([by[structure] for by in distances]))
            missed_percent[structure].append(_missed_percent(subject, segmentation, structure))
    return _Test(overlap, distance_mm, missed_percent)


def _missed_percent(subject: Subject, segmentation: Segmentation, structure: str) -> float:
    label_id = SCHEMA.id_of(structure)
    return subject_mean(
        [
            100.0 * float(not (segmentation[phase] == label_id).any())
            for phase, stack in subject.stacks.items()
            if stack.knows(structure) and (stack.label_ids == label_id).any()
        ]
    )


def _tables(tests: Mapping[str, Sequence[_Test]], amounts: Sequence[int]) -> list[Table]:
    num_trainings = len(next(iter(tests.values())))
    overlap = {name: _average([test.dice for test in trainings]) for name, trainings in tests.items()}
    gains = {
        _real_only(amount): {
            structure: paired_difference(values, overlap[_real_only(amount)][structure])
            for structure, values in overlap[_with_synthetic(amount)].items()
        }
        for amount in amounts
    }
    wording = f"Averaged over {num_trainings} trainings" if num_trainings > 1 else "One training"
    tables = [
        _table("Dice on held-out patients", "", overlap, "Of each stack, averaged per subject."),
        Table(
            GAIN,
            "",
            gains,
            f"Real and synthetic minus real only, paired by patient. {wording} of each, all as many steps: "
            "the interval is of patients, not of trainings. Real subjects are repeated to be as many. "
            "The generator has seen all training subjects, also where the segmenter gets a few.",
        ),
        _table(
            "HD95 on held-out patients",
            "mm",
            {name: _average([test.hd95_mm for test in trainings]) for name, trainings in tests.items()},
            "Lower is better. A structure that was missed in a stack has no HD95 there: see the next table.",
        ),
        _table(
            "Structures missed altogether",
            "% of stacks",
            {
                name: _average([test.missed_percent for test in trainings])
                for name, trainings in tests.items()
            },
            "Stacks that have the structure and whose segmentation has none of it.",
        ),
    ]
    return [*tables, _spread_table(tests)] if num_trainings > 1 else tables


def _average(trainings: Sequence[PerSubject]) -> PerSubject:
    """Mean over trainings of each subject's value."""
    return {
        structure: [
            subject_mean(values)
            for values in zip(*(training[structure] for training in trainings), strict=True)
        ]
        for structure in trainings[0]
    }


def _spread_table(tests: Mapping[str, Sequence[_Test]]) -> Table:
    rows = {}
    for name, trainings in tests.items():
        means = [subject_mean(test.dice[MEAN]) for test in trainings]
        rows[name] = {"standard deviation": single(float(np.std(means, ddof=1)), len(means))}
    return Table(
        "Spread of the mean Dice over trainings", "", rows, "Trainings that differ in nothing but their seed."
    )


def _table(title: str, unit: str, values: Mapping[str, PerSubject], note: str) -> Table:
    rows = {
        name: {structure: mean_estimate(per_subject) for structure, per_subject in columns.items()}
        for name, columns in values.items()
    }
    return Table(title, unit, rows, note)
