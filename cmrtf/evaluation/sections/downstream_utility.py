"""Whether synthetic data help: segmenters trained with and without them, tested on new patients."""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.labels import SCHEMA
from cmrtf.evaluation.section import Section, Table, single
from cmrtf.evaluation.segmenter import Judge, dice_per_subject, segment_subjects
from cmrtf.evaluation.subjects import Slices, Subject
from cmrtf.metrics.bootstrap import mean_estimate, paired_difference, subject_mean
from cmrtf.metrics.overlap import surface_distances

Train = Callable[[NDArray[np.float32], NDArray[np.uint8], int, str], Judge]
"""Images, label ids, seed and name to a network trained on them, always for as many steps."""

PerSubject = dict[str, list[float]]
"""Structure to one value per subject."""

MEAN = "mean"


def usefulness_section(
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
        held_out: whom to test on.
        amounts: how many real subjects to use, in rising order.
        seeds: of the trainings of each segmenter; results are averaged over them per patient.
    """
    sets: dict[str, Sequence[Subject]] = {}
    for amount in amounts:
        # In one order, so that the same subjects are the same training data.
        real = sorted(training[:amount], key=lambda subject: subject.name)
        made = synthesize(real)
        # As many of both, or a few real subjects would hardly be seen among many synthetic ones.
        repeated = real * max(1, round(len(made) / len(real)))
        sets |= {f"{amount} real": real, f"{amount} real + synthetic": [*repeated, *made]}
    sets[f"synthetic only, from {amounts[-1]}"] = made
    tests: dict[str, list[_Test]] = defaultdict(list)
    for number, seed in enumerate(seeds):
        for place, (name, subjects) in enumerate(sets.items(), start=1 + number * len(sets)):
            slices = Slices.of(subjects)
            progress = f"segmenter {place} of {len(sets) * len(seeds)}, {name}"
            tests[name].append(_Test(train(slices.image, slices.label_ids, seed, progress), held_out))
    overlap = {name: _average([test.dice for test in of_set]) for name, of_set in tests.items()}
    gains = {
        f"{amount} real": {
            key: paired_difference(of_both, overlap[f"{amount} real"][key])
            for key, of_both in overlap[f"{amount} real + synthetic"].items()
        }
        for amount in amounts
    }
    trainings = f"Averaged over {len(seeds)} trainings" if len(seeds) > 1 else "One training"
    tables = [
        _table("Dice on held-out patients", "", overlap, "Of each stack, averaged per subject."),
        Table(
            "Gain in Dice from synthetic subjects",
            "",
            gains,
            f"Real and synthetic minus real only, paired by patient. {trainings} of each, all as many steps: "
            "the interval is of patients, not of trainings. Real subjects are repeated to be as many. "
            "The generator has seen all training subjects, also where the segmenter gets a few.",
        ),
        _table(
            "HD95 on held-out patients",
            "mm",
            {name: _average([test.hd95_mm for test in of_set]) for name, of_set in tests.items()},
            "Lower is better. A structure that was missed in a stack has no HD95 there: see the next table.",
        ),
        _table(
            "Structures missed altogether",
            "% of stacks",
            {name: _average([test.missed_percent for test in of_set]) for name, of_set in tests.items()},
            "Stacks that have the structure and whose segmentation has none of it.",
        ),
    ]
    if len(seeds) > 1:
        tables.append(_spread_table(tests))
    return Section("use", "Use", "Do synthetic data help to segment new patients?", tables)


class _Test:
    """A segmenter on new patients: `dice`, `hd95_mm` and `missed_percent` per structure and subject."""

    def __init__(self, segmenter: Judge, subjects: Sequence[Subject]) -> None:
        segmented = segment_subjects(segmenter, subjects)
        self.dice = dice_per_subject(subjects, segmented)
        self.dice[MEAN] = [subject_mean(of) for of in zip(*self.dice.values(), strict=True)]
        self.hd95_mm: PerSubject = defaultdict(list)
        self.missed_percent: PerSubject = defaultdict(list)
        for subject, made in zip(subjects, segmented, strict=True):
            surfaces = [
                surface_distances(volume.label_ids, made[phase], subject.spacing_mm(phase))
                for phase, volume in subject.stacks()
            ]
            for structure in SCHEMA.foreground:
                self.hd95_mm[structure].append(subject_mean([found[structure].hd95_mm for found in surfaces]))
                label_id = SCHEMA.id_of(structure)
                missed = [
                    100.0 * float(not (made[phase] == label_id).any())
                    for phase, volume in subject.stacks()
                    if (volume.label_ids == label_id).any()
                ]
                self.missed_percent[structure].append(subject_mean(missed))


def _average(trainings: Sequence[PerSubject]) -> PerSubject:
    """Mean over trainings of each subject's value."""
    return {
        key: [subject_mean(of) for of in zip(*(each[key] for each in trainings), strict=True)]
        for key in trainings[0]
    }


def _spread_table(tests: dict[str, list[_Test]]) -> Table:
    rows = {}
    for name, of_set in tests.items():
        means = [subject_mean(test.dice[MEAN]) for test in of_set]
        rows[name] = {"standard deviation": single(float(np.std(means, ddof=1)), len(means))}
    return Table(
        "Spread of the mean Dice over trainings", "", rows, "Trainings that differ in nothing but their seed."
    )


def _table(title: str, unit: str, values: dict[str, PerSubject], note: str) -> Table:
    rows = {name: {key: mean_estimate(of) for key, of in found.items()} for name, found in values.items()}
    return Table(title, unit, rows, note)
