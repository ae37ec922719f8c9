from dataclasses import replace

import numpy as np
import pytest

from area_double import A, AreaModels, area_subject
from cmrtf.core.unknown import from_slices
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.heart_beat import (
    BEAT_S,
    END_SYSTOLE,
    can_beat,
    require_beating,
    volume_curve,
    weights_on_curve,
    with_cine,
)

STYLES = {"ED": np.full((4, 1), -0.5, np.float32), "ES": np.full((4, 1), 0.5, np.float32)}


def _beating(num_frames=25, subject=A, styles=STYLES):
    """Without repair, which makes myocardium of most of an LV cavity that none encloses."""
    return with_cine(AreaModels(), subject, styles, num_frames, repaired=False)


@pytest.mark.parametrize("frames", [2, 3, 10, 25, 30])
def test_a_volume_curve_falls_once_and_rises_once(frames):
    ejected, es_frame = volume_curve(frames)
    assert len(ejected) == frames
    assert ejected[0] == 0
    assert ejected[es_frame] == pytest.approx(1)
    assert es_frame == pytest.approx(END_SYSTOLE * frames, abs=0.5)
    assert np.all(np.diff(ejected[: es_frame + 1]) > 0)
    assert np.all(np.diff(ejected[es_frame:]) < 0)


def test_a_volume_curve_fills_as_normal_hearts_do():
    """Peak filling rate, time to it and atrial contribution within a deviation of Muntinga et al. 1997."""
    ejected, es_frame = volume_curve(900)
    filling_per_s = -0.6 * np.diff(ejected) / (BEAT_S / 900)  # of EDV, at an ejection fraction of 60 %
    early = filling_per_s[es_frame : es_frame + 300]
    assert early.max() == pytest.approx(2.2, abs=0.6)
    assert early.argmax() * BEAT_S / 900 == pytest.approx(0.198, abs=0.022)
    before_atrial_kick = ejected[es_frame + round(0.8 * (900 - es_frame))]
    assert before_atrial_kick == pytest.approx(0.31, abs=0.11)


def test_a_beat_passes_through_end_diastole_and_end_systole():
    cine = _beating().cine
    assert cine.frames[0] is A.ed
    assert cine.frames[cine.es_frame] is A.es
    assert cine.frame_s * len(cine.frames) == pytest.approx(BEAT_S)


def test_the_lv_has_the_volumes_of_the_curve():
    cine = _beating().cine
    ejected, es_frame = volume_curve(25)
    assert cine.es_frame == es_frame
    largest, smallest = A.ed.volume_ml("LV"), A.es.volume_ml("LV")
    half_a_pixel_of_each_slice_ml = 0.5 * 4 * A.ed.geometry.voxel_volume_ml
    np.testing.assert_allclose(
        cine.volumes_ml("LV"),
        largest - ejected * (largest - smallest),
        atol=half_a_pixel_of_each_slice_ml,
    )


def test_weights_are_where_as_much_has_been_ejected():
    np.testing.assert_allclose(
        weights_on_curve(np.array([0, 0.3, 1]), np.array([0, 0.2, 0.6, 1])), [0, 5 / 12, 1]
    )
    dented = weights_on_curve(np.linspace(0, 1, 11), np.array([0, 0.5, 0.4, 1]))
    assert np.all(np.diff(dented) > 0)


def test_styles_and_windows_go_with_the_contraction():
    subject = area_subject("A1", [10, 20, 30, 40], [-0.5] * 4)
    frames = _beating(10, subject).cine.frames
    ejected, es_frame = volume_curve(10)
    for number in set(range(10)) - {0, es_frame}:
        share = ejected[number]  # areas are linear in the codes
        np.testing.assert_allclose(frames[number].image, -0.5 + share, atol=0.03)
        assert frames[number].intensity_window == pytest.approx((0.0, 100.0 - 50.0 * share), abs=1.0)


def test_two_frames_are_end_diastole_and_end_systole():
    assert _beating(2).cine.frames == (A.ed, A.es)


def test_a_heart_that_does_not_contract_is_refused():
    still = A.with_stacks({"ED": A.ed, "ES": A.ed})
    with pytest.raises(CmrtfError, match="subject A1: expected an LV that is larger at ED than at ES"):
        _beating(subject=still)
    labels = {phase: stack.label_ids for phase, stack in A.stacks.items()}
    assert can_beat(labels)
    assert not can_beat(labels | {"ES": labels["ED"]})


def test_a_heart_in_one_slice_cannot_beat():
    one = area_subject("C3", [0, 20, 0, 0], [0.0] * 4)
    assert not can_beat({phase: stack.label_ids for phase, stack in one.stacks.items()})
    with pytest.raises(CmrtfError, match=r"source_C3 of 4 slices, ED: .* two slices or more"):
        _beating(subject=one)


def test_phases_on_other_voxels_are_refused():
    other = area_subject("A1", [10, 20, 30, 40], [0.0] * 4, spacing_mm=8.0)
    with pytest.raises(CmrtfError, match="subject A1: expected ED and ES on the same voxels"):
        require_beating(10, A.with_stacks({"ED": A.ed, "ES": other.es}))


def test_what_one_end_does_not_know_is_unknown_in_the_frames_between():
    es = replace(A.es, unknown=from_slices({"MYO": range(4)}, 4))
    cine = _beating(5, A.with_stacks({"ED": A.ed, "ES": es})).cine
    assert [stack.knows("MYO") for stack in cine.frames] == [True, False, False, False, False]
    assert all(stack.knows("LV") for stack in cine.frames)


def test_labels_of_frames_are_repaired_unless_told_otherwise():
    """Of an LV that nothing encloses repair makes a wall."""
    plain, repaired = (
        with_cine(AreaModels(), A, STYLES, 5, repaired=repaired).cine.frames[1] for repaired in (False, True)
    )
    assert not (plain.label_ids == 2).any()
    assert (repaired.label_ids == 2).any()


@pytest.mark.parametrize("frames", [1, 0, 81, 2.5, True])
def test_numbers_of_frames_that_are_no_beat_are_refused(frames):
    with pytest.raises(CmrtfError, match="num_frames: expected a whole number from 2 to 80"):
        require_beating(frames, A)


def test_a_missing_phase_is_named():
    with pytest.raises(CmrtfError, match=r"subject A1: .* Received: no ED"):
        require_beating(10, A.with_stacks({"ES": A.es}))
