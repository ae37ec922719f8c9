import doctest
from dataclasses import replace

import numpy as np
import pytest

from area_double import SIZE, A, AreaModels, B, area_subject
from cmrtf.core.unknown import from_slices, slices_by_structure
from cmrtf.errors import CmrtfError
from cmrtf.synthesis import interpolate
from cmrtf.synthesis.interpolate import common_phases, interpolate_subjects, interpolation_weights


def _interpolate(*ends, phases=("ED",), models=None, repaired=False, **settings):
    """Without repair, which makes myocardium of most of an LV cavity that none encloses."""
    return interpolate_subjects(models or AreaModels(), ends, phases, repaired=repaired, **settings)


def _areas(stack):
    return stack.label_ids.sum((1, 2)).tolist()


def test_the_examples_hold():
    assert doctest.testmod(interpolate) == (0, 1)


@pytest.mark.parametrize(
    ("number", "weights"), [(1, [1 / 2]), (3, [1 / 4, 1 / 2, 3 / 4]), (8, np.arange(1, 9) / 9)]
)
def test_weights_are_evenly_spaced_without_the_ends(number, weights):
    np.testing.assert_allclose(interpolation_weights(number), weights)


def test_one_subject_keeps_its_codes_and_gains_slices_between():
    (subject,) = _interpolate(A, num_slices=7)
    assert (subject.id, subject.kind, subject.phases, subject.weight) == (
        "intra_A1",
        "intrasubject",
        ("ED",),
        0.0,
    )
    assert subject.ed.intensity_window == (0.0, 100.0)
    assert _areas(subject.ed) == [10, 15, 20, 25, 30, 35, 40]
    np.testing.assert_allclose(subject.ed.image[:, 0, 0], np.linspace(-1.0, 0.5, 7), atol=1e-6)
    assert subject.ed.label_ids.dtype == np.uint8


def test_the_new_slices_fill_the_same_extent():
    """32 slices of (n - 1) * dz / 31, the first and last on the first and last of the source."""
    (subject,) = _interpolate(A)
    source = A.ed.affine
    assert subject.ed.num_slices == 32
    assert subject.ed.spacing_mm == pytest.approx((1.5, 1.5, 3 * 10.0 / 31))
    for new, old in ((0, 0), (31, 3)):
        for x, y in ((0, 0), (9, 4)):
            np.testing.assert_allclose(subject.ed.affine @ [x, y, new, 1], source @ [x, y, old, 1], atol=1e-9)


def test_two_subjects_and_those_between():
    subjects = _interpolate(A, B, num_slices=4, num_subjects=3)
    by_id = {subject.id: subject for subject in subjects}
    assert set(by_id) == {"intra_A1", "intra_B2", "inter_01", "inter_02", "inter_03"}
    weights = {name: subject.weight for name, subject in by_id.items()}
    assert weights == {"intra_A1": 0.0, "inter_01": 0.25, "inter_02": 0.5, "inter_03": 0.75, "intra_B2": 1.0}
    assert {by_id[name].kind for name in ("inter_01", "inter_02", "inter_03")} == {"intersubject"}
    start, end = np.array([10, 20, 30, 40]), 40 + 20 * np.linspace(0, 1, 4)
    for subject in subjects:
        w = subject.weight
        np.testing.assert_allclose(_areas(subject.ed), np.round((1 - w) * start + w * end), atol=1)


def test_appearance_and_its_units_move_linearly_too():
    subjects = _interpolate(A, B, num_slices=4, num_subjects=8)
    style_a, style_b = np.linspace(-1.0, 0.5, 4), np.linspace(0.0, 1.0, 4)
    assert len(subjects) == 10
    for subject in subjects:
        w = subject.weight
        np.testing.assert_allclose(subject.ed.image[:, 3, 3], (1 - w) * style_a + w * style_b, atol=1e-6)
        np.testing.assert_allclose(subject.ed.intensity_window, (10.0 * w, 100.0 + 200.0 * w), rtol=1e-9)


def test_each_phase_is_interpolated_by_itself():
    subjects = _interpolate(A, B, phases=("ED", "ES"), num_slices=4, num_subjects=2)
    assert [subject.phases for subject in subjects] == [("ED", "ES")] * 4
    by_id = {subject.id: subject for subject in subjects}
    assert _areas(by_id["intra_A1"].es) == [5, 10, 15, 20]
    assert by_id["intra_A1"].es.intensity_window == (0.0, 50.0)


def test_beyond_the_labelled_slices_there_is_an_image_without_a_heart():
    """Labelled in slices 1 to 3 of 0 to 5. Labels reach half a slice; codes of empty slices are not used."""
    subject = area_subject("C3", [0, 10, 20, 30, 0, 0], [-1.0, -0.6, -0.2, 0.2, 0.6, 1.0])
    (synthetic,) = _interpolate(subject, num_slices=21)
    areas = np.array(_areas(synthetic.ed))
    positions = np.arange(21) / 4  # in slices of the source
    np.testing.assert_array_equal(areas > 0, (positions >= 0.5) & (positions <= 3.5))
    inner = (positions >= 1) & (positions <= 3)
    np.testing.assert_allclose(areas[inner], np.round(10 * positions[inner]), atol=1)
    np.testing.assert_allclose(synthetic.ed.image[:, 0, 0], -1.0 + 0.4 * positions, atol=1e-5)


def test_hearts_are_matched_apex_to_apex_and_base_to_base():
    """Whatever share of their stacks they fill."""
    filling = area_subject("A1", [10, 20, 30], [0.0, 0.0, 0.0])
    partial = area_subject("B2", [0, 30, 40, 50, 0], [0.0] * 5)
    subjects = _interpolate(filling, partial, num_slices=41, num_subjects=1)
    areas = np.array(_areas(next(subject.ed for subject in subjects if subject.name == "inter_01")))
    labelled = np.flatnonzero(areas)
    # Halfway between the spans 0 .. 1 and 1/4 .. 3/4, and between the codes of apex and base.
    assert areas[labelled[0]] == pytest.approx(20, abs=1)
    assert areas[labelled[-1]] == pytest.approx(40, abs=1)
    assert areas.max() == areas[labelled[-1]]


def test_two_slices_may_both_miss_the_heart():
    subject = area_subject("C3", [0, 10, 20, 30, 0], [0.0] * 5)
    (synthetic,) = _interpolate(subject, num_slices=2)
    assert _areas(synthetic.ed) == [0, 0]


@pytest.mark.parametrize("areas", [[10], [0, 10, 0]])
def test_a_heart_in_one_slice_is_refused(areas):
    subject = area_subject("C3", areas, [0.0] * len(areas))
    with pytest.raises(CmrtfError, match=r"subject C3, ED: expected a heart labelled in two slices or more"):
        _interpolate(subject)


def test_sources_are_left_as_they_are():
    before = {phase: stack.label_ids.copy() for phase, stack in A.stacks.items()}
    _interpolate(A, B, num_subjects=1)
    for phase, label_ids in before.items():
        np.testing.assert_array_equal(A.stacks[phase].label_ids, label_ids)


class SpeckledModels(AreaModels):
    """Decodes a ring around an LV, and a speck of RV in a corner."""

    def decode(self, codes):
        heart = np.zeros((SIZE, SIZE), np.uint8)
        heart[2:8, 2:8], heart[3:7, 3:7], heart[0, 0], heart[9, 9] = 2, 1, 3, 3
        return np.repeat(heart[None], len(codes), axis=0)


def test_implausible_labels_are_repaired_unless_told_otherwise():
    (as_decoded,) = _interpolate(A, models=SpeckledModels(), num_slices=4)
    (repaired,) = _interpolate(A, models=SpeckledModels(), num_slices=4, repaired=True)
    assert np.count_nonzero(as_decoded.ed.label_ids == 3) == 8
    assert np.count_nonzero(repaired.ed.label_ids == 3) == 4
    np.testing.assert_array_equal(as_decoded.ed.label_ids == 1, repaired.ed.label_ids == 1)


class ShrinkingModels(AreaModels):
    """Misses the last three LV pixels of every slice."""

    def decode(self, codes):
        return super().decode(np.maximum(codes - 3, 0))


def test_exact_ends_bring_back_the_source_slices():
    plain, exact = (
        _interpolate(A, models=ShrinkingModels(), num_slices=4, exact_ends=exact_ends)[0].ed
        for exact_ends in (False, True)
    )
    assert _areas(plain) == [7, 17, 27, 37]
    np.testing.assert_array_equal(exact.label_ids, A.ed.label_ids)


def test_hearts_beat_when_frames_are_asked_for():
    subjects = _interpolate(A, B, phases=("ED", "ES"), num_slices=4, num_subjects=2, num_frames=5)
    assert [len(subject.cine.frames) for subject in subjects] == [5] * 4
    for subject in subjects:
        assert subject.cine.stacks["ED"] is subject.ed
        assert subject.cine.stacks["ES"] is subject.es
    without = _interpolate(A, B, phases=("ED", "ES"), num_slices=4, num_subjects=2)
    assert all(subject.cine is None for subject in without)
    for beating, still in zip(subjects, without, strict=True):
        np.testing.assert_array_equal(beating.ed.image, still.ed.image)


def test_a_heart_of_one_phase_does_not_beat():
    with pytest.raises(CmrtfError, match=r"expected ED and ES of every subject, .* Received: ED"):
        _interpolate(A.with_stacks({"ED": A.ed}), num_frames=5)


def test_beats_that_no_memory_holds_are_refused():
    with pytest.raises(CmrtfError, match="Received: 1002 subjects of 20 frames of 32 slices"):
        _interpolate(A, B, phases=("ED", "ES"), num_slices=32, num_subjects=1000, num_frames=20)
    with pytest.raises(CmrtfError, match="expected at most 16384 slices in all frames of a subject"):
        _interpolate(A, phases=("ED", "ES"), num_slices=1024, num_frames=17)


def test_common_phases_are_those_that_all_subjects_have():
    diastole = B.with_stacks({"ED": B.ed})
    assert common_phases([A, B]) == ["ED", "ES"]
    assert common_phases([A, B], ("ES",)) == ["ES"]
    assert common_phases([A, diastole]) == ["ED"]
    with pytest.raises(CmrtfError, match="A1 has ED, ES; B2 has ED"):
        common_phases([A, diastole], ("ES",))


def test_what_one_end_does_not_know_is_unknown_in_between():
    unknown = from_slices({"MYO": [1], "RV": range(3)}, 3)
    b = B.with_stacks({"ED": replace(B.ed, unknown=unknown)})
    _, own, between = _interpolate(A, b, num_subjects=1, num_slices=5, repaired=True)
    for subject in (own, between):
        assert slices_by_structure(subject.ed.unknown) == {"MYO": [*range(5)], "RV": [*range(5)]}
    # No ring can be closed around an LV whose myocardium is unknown: repair would make it of the LV.
    assert not (between.ed.label_ids == 2).any()
    assert (_interpolate(A, repaired=True)[0].ed.label_ids == 2).any()


def test_slices_without_labels_within_the_heart_are_filled_in():
    (whole,) = _interpolate(area_subject("A1", [40, 40, 40, 40], [0.0] * 4), num_slices=7)
    (gap,) = _interpolate(area_subject("A1", [40, 0, 0, 40], [0.0] * 4), num_slices=7)
    assert _areas(gap.ed) == _areas(whole.ed)


@pytest.mark.parametrize("wanted", [(1, 8), (1025, 8), (10**9, 8), (32, 0), (32, 10**9)])
def test_numbers_that_no_memory_holds_are_refused(wanted):
    with pytest.raises(
        CmrtfError, match=r"num_\w+: expected a whole number from [12] to 10\d\d\. Received: "
    ):
        interpolate_subjects(None, [], ("ED",), *wanted)


@pytest.mark.parametrize("phases", [5, None, "ED", [["ED"]], ["XX"], [], ("ED", "ED")])
def test_phases_are_some_of_those_that_there_are(phases):
    with pytest.raises(CmrtfError, match=r"phases: expected .*Received: "):
        common_phases([A, B], phases)
