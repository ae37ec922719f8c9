"""Each section on models and a judge whose answers are known."""

import numpy as np
import pytest

from cmrtf.evaluation.sections import downstream_utility as usefulness
from cmrtf.evaluation.sections import reconstruction
from cmrtf.evaluation.sections.clinical import clinical_section
from cmrtf.evaluation.sections.downstream_utility import usefulness_section
from cmrtf.evaluation.sections.label_fidelity import (
    OTHER_STYLE,
    OWN_STYLE,
    REAL,
    WALKS,
    faithfulness_section,
)
from cmrtf.evaluation.sections.plausibility import validity_section
from cmrtf.evaluation.sections.privacy import disclosure_section
from cmrtf.evaluation.sections.realism import realism_section
from cmrtf.evaluation.sections.reconstruction import reconstruction_section
from cmrtf.evaluation.subjects import restyle, walked_subjects
from cmrtf.shape.plausibility import repair
from cmrtf.synthesis.appearance import Appearance


@pytest.fixture(scope="module")
def walks(models, training):
    return walked_subjects(models, training, count=6, seed=0)[1]


def subjects_of(group):
    return [subject for _, subject in group]


def table(section, title):
    (found,) = [table for table in section.tables if table.title == title]
    return found


def test_exact_models_reconstruct_everything(models, held_out):
    section = reconstruction_section(models, subjects_of(held_out))
    for title, expected in (
        ("Reconstruction: Dice", 1.0),
        ("Reconstruction: HD95", 0.0),
        ("Reconstruction: volume error", 0.0),
    ):
        for row in table(section, title).rows.values():
            assert {key: estimate.mean for key, estimate in row.items()} == {
                "LV": expected,
                "MYO": expected,
                "RV": expected,
            }
            assert all(estimate.n == 4 for estimate in row.values())


def test_a_walk_through_signed_distances_is_shape_based_interpolation(models, held_out):
    """With exact ends too, since its ends are exact."""
    rows = table(reconstruction_section(models, subjects_of(held_out)), "Slice left out: Dice").rows
    assert rows[reconstruction.LATENT] == rows[reconstruction.EXACT] == rows[reconstruction.SHAPE_BASED]
    assert rows[reconstruction.NEAREST]["LV"].mean < rows[reconstruction.SHAPE_BASED]["LV"].mean < 1.0
    better = table(
        reconstruction_section(models, subjects_of(held_out)), "Slice left out: difference in Dice"
    )
    assert all(estimate.mean == 0.0 for row in better.rows.values() for estimate in row.values())


def test_holes_are_counted_and_repaired(held_out):
    punched = []
    for subject in subjects_of(held_out):
        volumes = {}
        for phase, volume in subject.stacks():
            label_ids = volume.label_ids.copy()
            label_ids[0, 47, 47] = 0  # a hole in the LV of one slice of six
            volumes[phase] = type(volume)(volume.image, label_ids)
        punched.append(type(subject)(subject.name, volumes, subject.affines))
    mended = [
        type(s)(s.name, {p: type(v)(v.image, repair(v.label_ids)) for p, v in s.stacks()}, s.affines)
        for s in punched
    ]
    section = validity_section({"real": subjects_of(held_out), "punched": punched, "mended": mended})
    valid = table(section, "Valid").rows
    assert valid["punched"]["slices"].mean == pytest.approx(valid["real"]["slices"].mean - 100 / 6)
    assert valid["punched"]["stacks"].mean == 0.0
    assert valid["mended"]["stacks"].mean == 100.0
    faults = table(section, "Faults per 100 labelled slices").rows
    assert faults["punched"]["holes"].mean == pytest.approx(100 / 6)
    assert faults["real"]["holes"].mean == 0.0


def ratio(judge, training, held_out, synthetic):
    groups = {"walks": synthetic}
    section = realism_section(judge, subjects_of(training), subjects_of(held_out), groups, seed=0)
    return table(section, "Frechet distance of features").rows["walks, ratio"]["distance"].mean


def test_copies_of_training_images_look_no_better_than_training_images(judge, training, held_out):
    assert ratio(judge, training, held_out, subjects_of(training)) == pytest.approx(1.0, abs=0.1)


def test_images_of_other_grey_levels_are_further_away(judge, training, held_out, walks):
    inverted = [
        type(s)(s.name, {phase: type(v)(-v.image, v.label_ids) for phase, v in s.stacks()}, s.affines)
        for s in walks
    ]
    assert ratio(judge, training, held_out, inverted) > ratio(judge, training, held_out, walks)


def test_a_group_is_described_by_its_own_images(judge, training, held_out):
    """The same subjects have the same figures in both rows; darker ones have darker tissues."""
    darker = [
        type(s)(s.name, {phase: type(v)(v.image - 0.1, v.label_ids) for phase, v in s.stacks()}, s.affines)
        for s in subjects_of(training)
    ]
    groups = {"darker": darker}
    section = realism_section(judge, subjects_of(training), subjects_of(held_out), groups, seed=0)
    means = table(section, "Mean intensity of each tissue").rows
    assert means["darker"]["LV"].mean < means["real"]["LV"].mean - 0.05
    assert means["darker"]["LV"].n == 6
    assert means["real"]["LV"].n == 10


def test_a_judge_that_reads_the_labels_finds_them(models, judge, held_out, walks):
    rows = table(
        faithfulness_section(models, judge, subjects_of(held_out), walks, seed=0), "The judge's Dice"
    ).rows
    for name in (OWN_STYLE, OTHER_STYLE, WALKS):
        assert all(estimate.mean > 0.95 for estimate in rows[name].values()), name
    assert rows[REAL]["LV"].n == 4
    assert rows[WALKS]["LV"].n == 6


def test_real_subjects_measure_as_themselves(models, training, held_out):
    real = subjects_of(training)
    section = clinical_section(models, real, real, held_out, num_walks=6, seed=0)
    for title, measured in (
        ("Means of volumes", 4),
        ("Means of ejection fractions", 2),
        ("Means of masses", 2),
    ):
        means = table(section, title).rows
        assert means["real"] == means["synthetic"]
        assert len(means["real"]) == measured
    assert 0 < table(section, "Means of ejection fractions").rows["real"]["LV_EF"].mean < 100
    along = table(section, "Volumes along walks, ED").rows
    assert along["steps in the right direction"]["LV"].mean > 90.0


def test_copies_of_training_subjects_are_found(judge, training, held_out):
    members, others = subjects_of(training), subjects_of(held_out)
    rows = disclosure_section(judge, members, others, {"copies": members}).tables[0].rows
    assert all(row["membership"].mean == row["copying"].mean == 1.0 for row in rows.values())


def test_the_gallery_shows_pairs(judge, training, held_out, walks):
    (picture,) = disclosure_section(
        judge, subjects_of(training), subjects_of(held_out), {"walks": walks}
    ).pictures.values()
    assert picture.startswith(b"\x89PNG")


class HalfBlind:
    """Misses the RV."""

    def __init__(self, judge):
        self.judge = judge

    def segment(self, images):
        label_ids = self.judge.segment(images)
        return np.where(label_ids == 3, 0, label_ids).astype(np.uint8)

    def features(self, images):
        return self.judge.features(images)


def test_segmenters_get_the_subjects_that_their_names_say(training, walks, judge):
    """And the gain is what those who also saw synthetic subjects do better."""
    seen = []

    def train(images, label_ids, seed, name):
        seen.append((len(images), seed, name))
        return HalfBlind(judge) if len(images) in (24, 72) else judge

    real = subjects_of(training)
    section = usefulness_section(train, real, lambda group: group, walks, amounts=[2, 6], seeds=[7, 8])
    names = ["2 real", "2 real + synthetic", "6 real", "6 real + synthetic", "synthetic only, from 6"]
    slices = [24, 48, 72, 144, 72]  # 12 a subject
    assert [(count, seed) for count, seed, _ in seen] == [(n, 7) for n in slices] + [(n, 8) for n in slices]
    assert seen[5][2] == "segmenter 6 of 10, 2 real"
    assert list(table(section, "Dice on held-out patients").rows) == names
    gains = table(section, "Gain in Dice from synthetic subjects").rows
    assert all(row["RV"].mean > 0.5 for row in gains.values())
    assert all(row["LV"].mean == 0.0 for row in gains.values())
    assert gains["2 real"][usefulness.MEAN].mean > 0.15
    missed = table(section, "Structures missed altogether").rows
    assert {name: (row["LV"].mean, row["RV"].mean) for name, row in missed.items()} == {
        name: (0.0, 100.0 if count in (24, 72) else 0.0) for name, count in zip(names, slices, strict=True)
    }
    assert np.isnan(table(section, "HD95 on held-out patients").rows["2 real"]["RV"].mean)
    spread = table(section, "Spread of the mean Dice over trainings").rows
    assert {row["standard deviation"].mean for row in spread.values()} == {0.0}, "the same judge"


def test_few_real_subjects_are_repeated_beside_many_synthetic_ones(training, walks, judge):
    seen = []

    def train(images, label_ids, seed, name):
        seen.append(len(images))
        return judge

    real = subjects_of(training)
    usefulness_section(train, real, lambda group: [*group] * 3, walks, amounts=[2], seeds=[0])
    assert seen == [24, 24 * (3 + 3), 24 * 3]  # 12 slices a subject


def test_one_training_has_no_spread(training, walks, judge):
    real = subjects_of(training)
    section = usefulness_section(lambda *_: judge, real, lambda group: group, walks, amounts=[2], seeds=[0])
    assert not [table for table in section.tables if "Spread" in table.title]


def test_restyled_subjects_keep_their_labels_and_have_one_appearance_each(models, walks):
    known = [Appearance(np.array([grey], np.float32), (0.0, 1.0)) for grey in (-5.0, 0.0, 5.0)]
    for before, after in zip(walks, restyle(models, walks, known, seed=0), strict=True):
        for phase, volume in after.stacks():
            np.testing.assert_array_equal(volume.label_ids, before.volumes[phase].label_ids)
            assert not np.array_equal(volume.image, before.volumes[phase].image)
        assert after.name == before.name
