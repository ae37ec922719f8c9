"""Each section on models and a judge whose answers are known."""

import pytest

from cmrtf.data.label_validity import repair
from cmrtf.evaluation import reconstruction, usefulness
from cmrtf.evaluation.clinical import clinical_section
from cmrtf.evaluation.disclosure import disclosure_section
from cmrtf.evaluation.faithfulness import OTHER_STYLE, OWN_STYLE, REAL, faithfulness_section
from cmrtf.evaluation.realism import realism_section
from cmrtf.evaluation.reconstruction import reconstruction_section
from cmrtf.evaluation.subjects import walked_subjects
from cmrtf.evaluation.usefulness import usefulness_section
from cmrtf.evaluation.validity import validity_section


@pytest.fixture(scope="module")
def walks(models, training):
    return walked_subjects(models, training, count=6, seed=0)


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


def test_real_images_are_as_far_from_real_ones_as_the_floor(judge, training, held_out):
    """Real subjects posing as synthetic ones."""
    real = subjects_of(training) + subjects_of(held_out)
    section = realism_section(judge, real, real, seed=0)
    assert table(section, "Distance of features").rows["ratio"]["Frechet"].mean < 1.2
    for found in section.tables[1:]:
        rows = found.to_dict()["rows"]
        assert rows["real"] == rows["synthetic"]


def test_images_of_other_grey_levels_are_further_away(judge, models, training, held_out, walks):
    real = subjects_of(training) + subjects_of(held_out)
    inverted = [
        type(s)(s.name, {phase: type(v)(-v.image, v.label_ids) for phase, v in s.stacks()}, s.affines)
        for s in walks
    ]
    near, far = (realism_section(judge, real, group, seed=0) for group in (walks, inverted))
    ratios = [table(section, "Distance of features").rows["ratio"]["Frechet"].mean for section in (near, far)]
    assert ratios[1] > 3 * ratios[0]


def test_a_judge_that_reads_the_labels_finds_them(models, judge, held_out, walks):
    rows = table(
        faithfulness_section(models, judge, subjects_of(held_out), walks, seed=0), "The judge's Dice"
    ).rows
    for name in (OWN_STYLE, OTHER_STYLE, "walks"):
        assert all(estimate.mean > 0.95 for estimate in rows[name].values()), name
    assert rows[REAL]["LV"].n == 4
    assert rows["walks"]["LV"].n == 6


def test_real_subjects_measure_as_themselves(models, training, held_out):
    real = subjects_of(training)
    section = clinical_section(models, real, real, held_out, num_walks=6, seed=0)
    means = table(section, "Means").rows
    assert means["real"] == means["synthetic"]
    assert 0 < means["real"]["LV_EF_percent"].mean < 100
    along = table(section, "Volumes along walks, ED").rows
    assert along["steps in the right direction"]["LV"].mean > 90.0


def test_copies_of_training_subjects_are_found(judge, training, held_out):
    members, others = subjects_of(training), subjects_of(held_out)
    rows = disclosure_section(judge, members, others, members).tables[0].rows
    assert all(row["membership"].mean == row["copying"].mean == 1.0 for row in rows.values())


def test_the_gallery_shows_pairs(judge, training, held_out, walks):
    (picture,) = disclosure_section(
        judge, subjects_of(training), subjects_of(held_out), walks
    ).pictures.values()
    assert picture.startswith(b"\x89PNG")


def test_segmenters_get_the_subjects_that_their_names_say(training, held_out, judge):
    """And a segmenter's gain is that over real subjects only."""
    seen = []

    def train(images, label_ids):
        seen.append(len(images))
        return judge

    real = subjects_of(training)
    section = usefulness_section(train, real, lambda group: group, subjects_of(held_out), amounts=[2, 6])
    assert seen == [24, 48, 72, 144, 72]  # 12 slices a subject
    assert list(table(section, "Dice on held-out patients").rows) == [
        "2 real",
        "2 real + synthetic",
        "6 real",
        "6 real + synthetic",
        "synthetic only",
    ]
    gains = table(section, "Gain in Dice from synthetic subjects").rows
    assert all(estimate.mean == 0.0 for row in gains.values() for estimate in row.values())
    assert usefulness.MEAN in gains["2 real"]
