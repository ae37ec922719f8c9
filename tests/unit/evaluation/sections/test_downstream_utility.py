import numpy as np
import pytest

from cmrtf.evaluation.sections.downstream_utility import MEAN, downstream_utility_section
from evaluation_doubles import GreySegmenter, table

SLICES_PER_SUBJECT = 12


class HalfBlind(GreySegmenter):
    """Misses the RV."""

    def segment(self, images):
        label_ids = super().segment(images)
        return np.where(label_ids == 3, 0, label_ids).astype(np.uint8)


class Trainer:
    """Notes what it trains on; with real subjects alone segmenters stay half blind."""

    def __init__(self):
        self.trained = []

    def __call__(self, images, label_ids, seed, name, unknown):
        self.trained.append((len(images), seed, name))
        return HalfBlind() if name.endswith(" real") or "only" in name else GreySegmenter()


@pytest.fixture(scope="module")
def two_trainings(training, interpolated):
    trainer = Trainer()
    section = downstream_utility_section(
        trainer, training, lambda group: group, interpolated, amounts=[2, 6], seeds=[7, 8]
    )
    return trainer, section


NAMES = ["2 real", "2 real + synthetic", "6 real", "6 real + synthetic", "synthetic only, from 6"]


def test_segmenters_get_the_subjects_that_their_names_say(two_trainings):
    trainer, section = two_trainings
    slices = [SLICES_PER_SUBJECT * subjects for subjects in (2, 4, 6, 12, 6)]
    expected = [(n, 7) for n in slices] + [(n, 8) for n in slices]
    assert [(count, seed) for count, seed, _ in trainer.trained] == expected
    assert trainer.trained[5][2] == "segmenter 6 of 10, 2 real"
    assert list(table(section, "Dice on held-out patients").rows) == NAMES


def test_the_gain_is_what_synthetic_subjects_add(two_trainings):
    gains = table(two_trainings[1], "Gain in Dice from synthetic subjects").rows
    assert all(row["RV"].mean > 0.5 for row in gains.values())
    assert all(row["LV"].mean == 0.0 for row in gains.values())
    assert gains["2 real"][MEAN].mean > 0.15


def test_missed_structures_are_counted_and_have_no_distance(two_trainings):
    section = two_trainings[1]
    missed = table(section, "Structures missed altogether").rows
    blind = {"2 real", "6 real", "synthetic only, from 6"}
    assert {name: (row["LV"].mean, row["RV"].mean) for name, row in missed.items()} == {
        name: (0.0, 100.0 if name in blind else 0.0) for name in NAMES
    }
    assert np.isnan(table(section, "HD95 on held-out patients").rows["2 real"]["RV"].mean)


def test_the_spread_is_over_trainings(two_trainings):
    spread = table(two_trainings[1], "Spread of the mean Dice over trainings").rows
    assert {row["standard deviation"].mean for row in spread.values()} == {0.0}, "the same segmenter"
    assert {row["standard deviation"].n for row in spread.values()} == {2}


def test_few_real_subjects_are_repeated_beside_many_synthetic_ones(training, interpolated):
    trainer = Trainer()
    downstream_utility_section(
        trainer, training, lambda group: [*group] * 3, interpolated, amounts=[2], seeds=[0]
    )
    subjects = [count // SLICES_PER_SUBJECT for count, _, _ in trainer.trained]
    assert subjects == [2, 2 * (3 + 3), 2 * 3]


def test_synthetic_subjects_alone_are_those_of_the_largest_amount(training, interpolated):
    trainer, made_of = Trainer(), []

    def synthesize(group):
        made_of.append([subject.name for subject in group])
        return group

    downstream_utility_section(trainer, training, synthesize, interpolated, amounts=[2, 5], seeds=[0])
    assert made_of == [["S1", "S2"], ["S1", "S2", "S3", "S4", "S5"]]
    assert trainer.trained[-1][0] == SLICES_PER_SUBJECT * 5


def test_one_training_has_no_spread(training, interpolated):
    section = downstream_utility_section(
        Trainer(), training, lambda group: group, interpolated, amounts=[2], seeds=[0]
    )
    assert not [each.title for each in section.tables if "Spread" in each.title]
