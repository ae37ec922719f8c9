import pytest

from cmrtf.core.stack import CENTRE_TO_CENTRE, SLICE_SUMMATION
from cmrtf.report.sequence import has_kind, in_order, title_of, volume_methods
from interpolated import generated, interpolated, remodelled


def test_subjects_run_from_a_to_b_with_the_sources_outside():
    ids = [subject.id for subject in in_order(interpolated())]
    ends = ["source_P001", "intra_P001"], ["intra_P002", "source_P002"]
    assert ids == [*ends[0], "inter_01", "inter_02", "inter_03", *ends[1]]


def test_steps_of_a_remodelled_subject_follow_its_source():
    ids = [subject.id for subject in in_order(remodelled()[::-1])]
    assert ids == ["source_P001", "step_00", "step_01", "step_02"]


def test_new_subjects_keep_their_order():
    subjects = generated()
    assert in_order(subjects) == subjects


@pytest.mark.parametrize(
    ("subjects", "title"),
    [
        (interpolated(), "P001 to P002"),
        (interpolated(code_b=None), "P001"),
        (remodelled(), "P001, remodelled"),
        (generated(), "SYN00001 to SYN00003"),
    ],
)
def test_the_title_names_both_ends_or_what_was_done(subjects, title):
    assert title_of(in_order(subjects)) == title


@pytest.mark.parametrize(
    ("subjects", "methods"),
    [
        (interpolated(), [CENTRE_TO_CENTRE, SLICE_SUMMATION]),
        (remodelled(), [SLICE_SUMMATION]),
        (generated(), [SLICE_SUMMATION]),
    ],
)
def test_only_sources_beside_their_synthetic_version_compare_centre_to_centre(subjects, methods):
    assert volume_methods(subjects) == methods


def test_kinds_are_those_of_the_subjects():
    assert has_kind(remodelled(), "remodelled")
    assert not has_kind(remodelled(), "intersubject")
