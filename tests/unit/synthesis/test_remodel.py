from dataclasses import replace

import numpy as np
import pytest

from cmrtf.core.geometry import Geometry
from cmrtf.core.measures import measure_volumes_ml
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject
from cmrtf.core.unknown import from_slices
from cmrtf.errors import CmrtfError
from cmrtf.shape.pose import landmarks
from cmrtf.synthesis.anatomy import Anatomy
from cmrtf.synthesis.remodel import Change, remodel
from heart_double import TISSUES, RingModels, heart_source

SPACING_MM = 20.0
BRIGHTNESS = {"ED": 0.05, "ES": 0.1}
WINDOWS = {"ED": (0.0, 300.0), "ES": (10.0, 320.0)}


@pytest.fixture(scope="module")
def source():
    return heart_source()


@pytest.fixture(scope="module")
def subject(source):
    """A training anatomy of NOR, turned and shifted in a tilted stack with two slices below its apex."""
    prior = source.prior
    heart = Anatomy(prior.codes[0], prior.ends_mm[0], np.array([25.0, 4.0, -3.0], np.float32))
    affine = np.array([[-1.5, 0, 0, 90], [0, -1.2, -12, 40], [0, 0.9, -16, 50], [0, 0, 0, 1.0]])
    stacks = {}
    for phase, decoded in heart.decode(source.models, SPACING_MM).items():
        label_ids = np.pad(decoded, ((1, 0), (0, 0), (0, 0)))
        brightness = BRIGHTNESS[phase] + 0.01 * np.arange(len(label_ids))[:, None, None]
        image = (TISSUES[label_ids] + brightness).astype(np.float32)
        stacks[phase] = Stack(image, label_ids, Geometry.of(affine, label_ids.shape[::-1]), WINDOWS[phase])
    return Subject("S1", "source", stacks, "A", pathology="NOR")


@pytest.fixture(scope="module")
def failing(source, subject):
    """In two steps towards DCM, and to volumes of its own."""
    change = Change(towards="DCM", targets={"EDV": 260.0, "EF": 30.0})
    return remodel(source.models, source.prior, subject, change, 2)


def volumes_ml(subject):
    label_ids = {phase: stack.label_ids for phase, stack in subject.stacks.items()}
    return measure_volumes_ml(label_ids, SPACING_MM)


def test_steps_lead_from_the_source_to_the_targets(source, subject, failing):
    before_ml = volumes_ml(subject)
    np.testing.assert_allclose(failing.before_ml, before_ml)
    changed_ml = source.prior.move_volumes(before_ml, "NOR", "DCM", 1.0)
    wanted_ml = [260.0, *changed_ml[1:3], 182.0, *changed_ml[4:]]
    np.testing.assert_allclose(failing.wanted_ml, wanted_ml)
    np.testing.assert_array_equal(failing.measured_ml, volumes_ml(failing.subjects[2]))
    expected = before_ml, np.sqrt(before_ml * wanted_ml), wanted_ml
    for step, expected_ml in zip(failing.subjects, expected, strict=True):
        np.testing.assert_allclose(volumes_ml(step), expected_ml, rtol=0.05)


def test_a_subject_for_each_step_has_both_phases_and_is_called_remodelled(failing):
    assert [(s.name, s.kind, s.phases, s.weight) for s in failing.subjects] == [
        (f"step_{step:02d}", "remodelled", ("ED", "ES"), step / 2) for step in range(3)
    ]


def test_half_the_amount_changes_half_as_much(source, subject):
    half = remodel(source.models, source.prior, subject, Change(towards="DCM", amount=0.5), 1)
    np.testing.assert_allclose(half.wanted_ml, source.prior.move_volumes(half.before_ml, "NOR", "DCM", 0.5))
    np.testing.assert_allclose(half.measured_ml, half.wanted_ml, rtol=0.05)


def test_targets_alone_leave_the_rest(source, subject):
    larger = remodel(source.models, source.prior, subject, Change(targets={"RVEDV": 170.0}), 1)
    expected = larger.before_ml.copy()
    expected[[2, 5]] *= 170.0 / expected[2]
    np.testing.assert_allclose(larger.measured_ml, expected, rtol=0.05)


def test_a_subject_of_an_unknown_pathology_starts_from_the_mean_of_all(source, subject):
    foreign = replace(subject, pathology="MINF")
    moved = remodel(source.models, source.prior, foreign, Change(towards="DCM"), 1)
    np.testing.assert_allclose(moved.wanted_ml, source.prior.move_volumes(moved.before_ml, None, "DCM", 1.0))


def test_a_changed_heart_lies_where_the_source_lies(subject, failing):
    """In mm: the apical slice in ED; in pixels: the LV, and the RV on its side."""
    (source_apex, *_) = np.flatnonzero(subject.ed.has_heart)
    wanted_mm = subject.ed.affine @ [10.0, 20.0, source_apex, 1.0]
    lv, rv = landmarks(subject.ed.label_ids)
    assert source_apex == 2
    for step in failing.subjects:
        (apex, *_) = np.flatnonzero(step.ed.has_heart)
        np.testing.assert_allclose(step.ed.affine @ [10.0, 20.0, apex, 1.0], wanted_mm)
        lv_now, rv_now = landmarks(step.ed.label_ids)
        np.testing.assert_allclose(lv_now, lv, atol=0.5)
        cosine = (rv_now - lv_now) @ (rv - lv) / np.linalg.norm(rv_now - lv_now) / np.linalg.norm(rv - lv)
        assert cosine > np.cos(np.radians(3.0))


def test_images_keep_the_look_of_the_slice_of_the_source_in_their_place(source, subject, failing):
    """`RingModels` adds the style to the grey level of each tissue."""
    for step in failing.subjects:
        places = step.ed.affine @ np.array([[0, 0, k, 1] for k in range(step.ed.num_slices)]).T
        slices = np.rint((np.linalg.inv(subject.ed.affine) @ places)[2]).astype(int)
        for phase, stack in step.stacks.items():
            own = source.models.encode_style(subject.stacks[phase].image)[:, 0]
            expected = own[np.clip(slices, 0, len(own) - 1)]
            look = (stack.image - TISSUES[stack.label_ids]).mean(axis=(1, 2))
            np.testing.assert_allclose(look, expected, atol=1e-6)
            assert stack.intensity_window == WINDOWS[phase]


def test_without_change_the_source_keeps_its_slices_and_its_look(source, subject):
    still = remodel(source.models, source.prior, subject, Change(towards="DCM", amount=0.0), 1)
    for step in still.subjects:
        np.testing.assert_allclose(step.ed.affine, subject.ed.affine)
        for phase, stack in step.stacks.items():
            assert np.mean(stack.label_ids != subject.stacks[phase].label_ids) < 0.01
            assert np.mean(np.abs(stack.image - subject.stacks[phase].image) > 1e-5) < 0.01


def test_what_is_beyond_reach_is_refused_with_what_was_reached(source, subject):
    """A heart of five litres does not fit into the image."""
    with pytest.raises(
        CmrtfError, match=r"S1, step 1 of 1: expected EDV 5000.0 ml.* Received: EDV \d+\.\d ml"
    ):
        remodel(source.models, source.prior, subject, Change(targets={"EDV": 5000.0}), 1)


def test_a_deformed_heart_is_refused(source, subject, monkeypatch):
    decode = RingModels.decode

    def torn(self, codes):
        label_ids = decode(self, codes)
        label_ids[label_ids == 3] = 0
        label_ids[:, 60:70, 5:10] = 3
        return label_ids

    monkeypatch.setattr(RingModels, "decode", torn)
    monkeypatch.setattr("cmrtf.synthesis.remodel.require_reached", lambda *_: None)
    with pytest.raises(CmrtfError, match=r"S1, step 1 of 1: expected a heart. Received: .*RV apart"):
        remodel(source.models, source.prior, subject, Change(towards="DCM"), 1)


@pytest.mark.parametrize(
    "change", [{}, {"towards": "DCM", "amount": 2.1}, {"towards": "DCM", "amount": np.nan}]
)
def test_a_change_is_one(change):
    with pytest.raises(CmrtfError, match="Received: "):
        Change(**change)


def test_a_heart_of_one_phase_cannot_be_changed(source, subject):
    diastole = subject.with_stacks({"ED": subject.ed})
    with pytest.raises(CmrtfError, match=r"subject S1: expected ED and ES. Received: no ES"):
        remodel(source.models, source.prior, diastole, Change(towards="DCM"), 1)


def test_a_heart_without_rv_has_no_pose(source, subject):
    left = subject.with_stacks(
        {phase: s.with_labels(s.label_ids * (s.label_ids < 3)) for phase, s in subject.stacks.items()}
    )
    with pytest.raises(CmrtfError, match=r"S1, ED: expected a slice that shows both ventricles. Received"):
        remodel(source.models, source.prior, left, Change(towards="DCM"), 1)


def test_a_heart_with_unknown_structures_cannot_be_changed(source, subject):
    unknown = from_slices({"MYO": [0], "RV": [0, 1]}, subject.es.num_slices)
    partly = subject.with_stacks({"ED": subject.ed, "ES": replace(subject.es, unknown=unknown)})
    with pytest.raises(CmrtfError, match=r"S1, ES: expected labels of LV, MYO, RV.*Received: MYO and RV unk"):
        remodel(source.models, source.prior, partly, Change(towards="DCM"), 1)


def test_a_subject_that_has_the_pathology_is_refused_unless_it_shall_measure_something(source, subject):
    ill = replace(subject, pathology="DCM")
    with pytest.raises(CmrtfError, match=r"other than its own.* Received: DCM, which it has"):
        remodel(source.models, source.prior, ill, Change(towards="DCM"), 1)
    change = Change(towards="DCM", targets={"EF": 30.0})
    assert remodel(source.models, source.prior, ill, change, 1).subjects
