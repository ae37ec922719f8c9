from dataclasses import replace

import numpy as np
import pytest

from cmrtf.cohort.record import PreparedVolume, SubjectRecord
from cmrtf.core.geometry import Geometry
from cmrtf.core.measures import measure_volumes_ml
from cmrtf.errors import CmrtfError
from cmrtf.shape.pose import landmarks
from cmrtf.synthesis.anatomy import Anatomy
from cmrtf.synthesis.remodel import Change, remodel
from heart_double import TISSUES, heart_source

SPACING_MM = 20.0
BRIGHTNESS = {"ED": 0.05, "ES": 0.1}
WINDOWS = {"ED": (0.0, 300.0), "ES": (10.0, 320.0)}


@pytest.fixture(scope="module")
def source():
    return heart_source()


@pytest.fixture(scope="module")
def subject(source):
    """The first known heart, of NOR, turned and shifted in a tilted stack with two slices below its apex."""
    prior = source.prior
    heart = Anatomy(prior.codes[0], prior.ends_mm[0], np.array([25.0, 4.0, -3.0], np.float32))
    volumes = {}
    for phase, stack in heart.decode(source.models, SPACING_MM).items():
        label_ids = np.pad(stack, ((1, 0), (0, 0), (0, 0)))
        volumes[phase] = PreparedVolume(TISSUES[label_ids] + np.float32(BRIGHTNESS[phase]), label_ids)
    shape = volumes["ED"].label_ids.shape[::-1]
    affine = np.array([[-1.5, 0, 0, 90], [0, -1.2, -12, 40], [0, 0.9, -16, 50], [0, 0, 0, 1.0]])
    record = SubjectRecord(
        subject="S1",
        vendor="A",
        pathology="NOR",
        split="train",
        phases=("ED", "ES"),
        frames={"ED": 0, "ES": 9},
        num_slices=shape[2],
        stack_flipped=False,
        geometry=Geometry(shape, affine, shape, np.eye(4)),
        intensity_window=WINDOWS,
        source_sha256={},
        file_sha256="",
    )
    return record, volumes


@pytest.fixture(scope="module")
def failing(source, subject):
    """In two steps towards DCM, and to volumes of its own."""
    change = Change(towards="DCM", targets={"EDV": 260.0, "EF": 30.0})
    return remodel(source.models, source.prior, *subject, change, 2)


def volumes_ml(remodelled, step):
    stacks = {each.phase: each.label_ids for each in remodelled.subjects if each.name == f"step_{step:02d}"}
    return measure_volumes_ml(stacks, SPACING_MM)


def test_steps_lead_from_the_source_to_the_targets(source, subject, failing):
    _, volumes = subject
    label_ids = {phase: volume.label_ids for phase, volume in volumes.items()}
    before_ml = measure_volumes_ml(label_ids, SPACING_MM)
    np.testing.assert_allclose(failing.before_ml, before_ml)
    changed_ml = source.prior.move_volumes(before_ml, "NOR", "DCM", 1.0)
    wanted_ml = [260.0, *changed_ml[1:3], 182.0, *changed_ml[4:]]
    np.testing.assert_allclose(failing.wanted_ml, wanted_ml)
    np.testing.assert_array_equal(failing.reached_ml, volumes_ml(failing, 2))
    for step, expected_ml in enumerate((before_ml, np.sqrt(before_ml * wanted_ml), wanted_ml)):
        np.testing.assert_allclose(volumes_ml(failing, step), expected_ml, rtol=0.05)


def test_subjects_are_steps_and_phases(failing):
    assert [(each.name, each.phase, each.weight) for each in failing.subjects] == [
        (f"step_{step:02d}", phase, step / 2) for step in range(3) for phase in ("ED", "ES")
    ]


def test_half_the_amount_changes_half_as_much(source, subject):
    half = remodel(source.models, source.prior, *subject, Change(towards="DCM", amount=0.5), 1)
    np.testing.assert_allclose(half.wanted_ml, source.prior.move_volumes(half.before_ml, "NOR", "DCM", 0.5))
    np.testing.assert_allclose(half.reached_ml, half.wanted_ml, rtol=0.05)


def test_targets_alone_leave_the_rest(source, subject):
    larger = remodel(source.models, source.prior, *subject, Change(targets={"RVEDV": 170.0}), 1)
    expected = larger.before_ml.copy()
    expected[[2, 5]] *= 170.0 / expected[2]
    np.testing.assert_allclose(larger.reached_ml, expected, rtol=0.05)


def test_a_subject_of_an_unknown_pathology_starts_from_the_mean_of_all(source, subject):
    record, volumes = subject
    foreign = replace(record, pathology="MINF")
    moved = remodel(source.models, source.prior, foreign, volumes, Change(towards="DCM"), 1)
    np.testing.assert_allclose(moved.wanted_ml, source.prior.move_volumes(moved.before_ml, None, "DCM", 1.0))


def test_a_changed_heart_lies_where_the_source_lies(subject, failing):
    """In mm: the apical slice in ED; in pixels: the LV, and the RV on its side."""
    record, volumes = subject
    (source_apex, *_) = np.flatnonzero(volumes["ED"].label_ids.any(axis=(1, 2)))
    wanted_mm = record.geometry.affine @ [10.0, 20.0, source_apex, 1.0]
    lv, rv = landmarks(volumes["ED"].label_ids)
    assert source_apex == 2
    for each in failing.subjects[::2]:
        (apex, *_) = np.flatnonzero(each.label_ids.any(axis=(1, 2)))
        np.testing.assert_allclose(each.affine @ [10.0, 20.0, apex, 1.0], wanted_mm)
        lv_now, rv_now = landmarks(each.label_ids)
        np.testing.assert_allclose(lv_now, lv, atol=0.5)
        cosine = (rv_now - lv_now) @ (rv - lv) / np.linalg.norm(rv_now - lv_now) / np.linalg.norm(rv - lv)
        assert cosine > np.cos(np.radians(3.0))


def test_images_keep_the_look_of_their_phase(failing):
    """`RingModels` adds the style to the grey level of each tissue."""
    for each in failing.subjects:
        np.testing.assert_allclose(each.image - TISSUES[each.label_ids], BRIGHTNESS[each.phase], atol=1e-6)
        assert each.intensity_window == WINDOWS[each.phase]


def test_the_source_stands_beside(subject, failing):
    record, volumes = subject
    assert [(each.name, each.phase, each.pathology) for each in failing.references] == [
        ("S1", "ED", "NOR"),
        ("S1", "ES", "NOR"),
    ]
    for each in failing.references:
        np.testing.assert_array_equal(each.image, volumes[each.phase].image)
        np.testing.assert_array_equal(each.affine, record.geometry.affine)


def test_a_heart_of_one_phase_cannot_be_changed(source, subject):
    record, volumes = subject
    with pytest.raises(CmrtfError, match=r"subject S1: expected ED and ES. Received: no ES"):
        remodel(source.models, source.prior, record, {"ED": volumes["ED"]}, Change(towards="DCM"), 1)


def test_a_heart_without_rv_has_no_pose(source, subject):
    record, volumes = subject
    left = {
        phase: replace(volume, label_ids=volume.label_ids * (volume.label_ids < 3))
        for phase, volume in volumes.items()
    }
    with pytest.raises(CmrtfError, match=r"S1, ED: expected a slice that shows both ventricles. Received"):
        remodel(source.models, source.prior, record, left, Change(towards="DCM"), 1)
