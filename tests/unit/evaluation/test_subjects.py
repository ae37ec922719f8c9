import numpy as np
import pytest

from cmrtf.errors import CmrtfError
from cmrtf.evaluation.subjects import (
    SubjectSlices,
    distinct_pairs,
    generated_subjects,
    interpolated_subjects,
    restyle,
    restyled_subject,
)
from cmrtf.shape.plausibility import repair
from cmrtf.synthesis.appearance import Appearance
from evaluation_doubles import ExactModels, with_labels
from heart_double import heart_source


def test_interpolated_subjects_have_slices_and_spacing_of_real_stacks(training):
    as_decoded, repaired = interpolated_subjects(ExactModels(), training, count=3, seed=1)
    assert [subject.name for subject in repaired] == [
        "interpolated_001",
        "interpolated_002",
        "interpolated_003",
    ]
    for decoded, subject in zip(as_decoded, repaired, strict=True):
        assert subject.kind == "intersubject"
        assert 0.25 <= subject.weight <= 0.75
        assert subject.phases == ("ED", "ES")
        for phase, stack in subject.stacks.items():
            assert stack.image.shape == stack.label_ids.shape == (6, 96, 96)
            assert stack.has_heart.all()
            np.testing.assert_allclose(stack.spacing_mm, (1.5, 1.5, 10.0), atol=1e-6)
            np.testing.assert_array_equal(repair(decoded.stacks[phase].label_ids), stack.label_ids)
            assert decoded.stacks[phase].image is stack.image


def test_the_same_seed_makes_the_same_subjects(training):
    first, second, other = (interpolated_subjects(ExactModels(), training, 2, seed)[1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first[1].ed.image, second[1].ed.image)
    assert any(not np.array_equal(a.ed.label_ids, b.ed.label_ids) for a, b in zip(first, other, strict=True))


def test_only_phases_that_both_ends_have_are_interpolated(training):
    ends = [training[0].with_stacks({"ED": training[0].ed}), training[1]]
    (subject,) = interpolated_subjects(ExactModels(), ends, 1, seed=0)[1]
    assert subject.phases == ("ED",)


def test_generated_subjects_depend_on_the_seed_alone():
    source = heart_source()
    style = source.bank.find("sample")
    first, second, other = (
        generated_subjects(source.models, source.prior, style, 2, seed) for seed in (0, 0, 1)
    )
    assert [(subject.name, subject.kind) for subject in first] == [
        ("new_001", "generated"),
        ("new_002", "generated"),
    ]
    np.testing.assert_array_equal(first[1].ed.image, second[1].ed.image)
    assert not np.array_equal(first[1].ed.image, other[1].ed.image)


def test_restyled_subjects_keep_their_labels_and_have_one_appearance_each(interpolated):
    known = [Appearance(np.array([[grey]], np.float32), (0.0, 1.0)) for grey in (-5.0, 0.0, 5.0)]
    restyled = restyle(ExactModels(), interpolated, known, seed=0)
    for before, after in zip(interpolated, restyled, strict=True):
        assert after.name == before.name
        for phase, stack in after.stacks.items():
            np.testing.assert_array_equal(stack.label_ids, before.stacks[phase].label_ids)
            assert not np.array_equal(stack.image, before.stacks[phase].image)


def test_a_restyled_subject_is_in_the_units_of_its_appearance(training):
    subject = restyled_subject(
        ExactModels(), training[0], Appearance(np.zeros((1, 1), np.float32), (3.0, 4.0))
    )
    assert {stack.intensity_window for stack in subject.stacks.values()} == {(3.0, 4.0)}


def test_slices_are_those_of_all_phases_with_their_subjects(training):
    slices = SubjectSlices.of(training[:2])
    assert slices.image.shape == slices.label_ids.shape == (24, 96, 96)
    assert list(slices.subjects) == ["S1"] * 12 + ["S2"] * 12


def test_slices_without_labels_can_be_left_out(held_out):
    subject = held_out[0].with_stacks({"ED": held_out[0].ed})
    half_empty = with_labels(subject, lambda ids: ids * (np.arange(6) > 1)[:, None, None].astype(np.uint8))
    slices = SubjectSlices.of([half_empty])
    assert len(slices.image) == 6
    assert slices.labelled().image.shape == (4, 96, 96)
    assert list(slices.labelled().subjects) == [subject.name] * 4


def test_pairs_are_different_until_there_are_no_more(training):
    pairs = distinct_pairs(training, np.random.default_rng(0))
    assert len({frozenset((a.name, b.name)) for a, b in pairs}) == len(pairs) == 15


def test_subjects_without_a_phase_in_common_make_no_pair(training):
    mixed = [
        training[0].with_stacks({"ED": training[0].ed}),
        training[1].with_stacks({"ES": training[1].es}),
        training[2],
    ]
    pairs = distinct_pairs(mixed, np.random.default_rng(0))
    assert {frozenset((a.name, b.name)) for a, b in pairs} == {
        frozenset(("S1", "S3")),
        frozenset(("S2", "S3")),
    }
    with pytest.raises(CmrtfError, match=r"phase ED or ES in common\. Received: S1, S2"):
        distinct_pairs(mixed[:2], np.random.default_rng(0))
    assert len(distinct_pairs(mixed, np.random.default_rng(0), "ED")) == 1
