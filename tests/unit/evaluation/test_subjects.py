import numpy as np
import pytest

from cmrtf.errors import CmrtfError
from cmrtf.evaluation.subjects import Slices, distinct_pairs, walked_subjects


def test_real_subjects_are_those_of_the_split(training, held_out, cohort):
    assert [subject.name for _, subject in held_out] == list(cohort.subjects("validation"))
    assert len(training) == 6
    np.testing.assert_allclose(held_out[0][1].spacing_mm("ED"), (10.0, 1.5, 1.5), atol=1e-6)


def test_walks_have_slices_and_spacing_of_real_stacks(models, training):
    _, made = walked_subjects(models, training, count=3, seed=1)
    assert [subject.name for subject in made] == ["walk_001", "walk_002", "walk_003"]
    for subject in made:
        assert set(subject.volumes) == {"ED", "ES"}
        for phase, volume in subject.stacks():
            assert volume.image.shape == volume.label_ids.shape == (6, 96, 96)
            assert volume.label_ids.any(axis=(1, 2)).all()
            np.testing.assert_allclose(subject.spacing_mm(phase), (10.0, 1.5, 1.5), atol=1e-6)


def test_the_same_seed_makes_the_same_walks(models, training):
    first, second, other = (walked_subjects(models, training, 2, seed)[1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first[1].volumes["ED"].image, second[1].volumes["ED"].image)
    assert any(
        not np.array_equal(a.volumes["ED"].label_ids, b.volumes["ED"].label_ids)
        for a, b in zip(first, other, strict=True)
    )


def test_slices_without_labels_can_be_left_out(held_out):
    subject = held_out[0][1]
    volume = subject.volumes["ED"]
    emptied = type(volume)(volume.image, volume.label_ids * (np.arange(6) > 1)[:, None, None])
    slices = Slices.of([type(subject)("X", {"ED": emptied}, subject.affines)])
    assert len(slices.image) == 6
    assert slices.labelled().image.shape == (4, 96, 96)
    assert list(slices.labelled().subjects) == ["X"] * 4


def test_pairs_are_different_until_there_are_no_more(training):
    pairs = distinct_pairs(training, np.random.default_rng(0))
    assert len({frozenset((a[0].subject, b[0].subject)) for a, b in pairs}) == len(pairs) == 15


def test_subjects_without_a_phase_in_common_make_no_pair(training):
    def only(phase, entry):
        record, subject = entry
        return record, type(subject)(subject.name, {phase: subject.volumes[phase]}, subject.affines)

    mixed = [only("ED", training[0]), only("ES", training[1]), training[2]]
    pairs = distinct_pairs(mixed, np.random.default_rng(0))
    assert {frozenset((a[1].name, b[1].name)) for a, b in pairs} == {
        frozenset(("S1", "S3")),
        frozenset(("S2", "S3")),
    }
    with pytest.raises(CmrtfError, match="expected two subjects with phase ED or ES in common"):
        distinct_pairs(mixed[:2], np.random.default_rng(0))
    assert len(distinct_pairs(mixed, np.random.default_rng(0), "ED")) == 1
