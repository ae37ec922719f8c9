from dataclasses import replace

import numpy as np
import pytest

from cmrtf.core.preparation import is_base_first
from cmrtf.datasets.base import RawSubject
from cmrtf.datasets.layouts import read_raw
from cmrtf.quality.checks import check_subject
from cmrtf.quality.slice_order import with_other_orders
from raw_data import write_acdc
from raw_patient import CODE, IMAGE, TURNED_ROUND

OBLIQUE = np.array(
    [[0.75, 0.2, -0.63, 0], [0.6, 0.3, 0.68, 0], [0.25, -0.93, -0.38, 0], [0, 0, 0, 1]]
) @ np.diag([3.0, 3.0, 10.0, 1.0])
"""Slices from base to apex, as the scanner lays them."""


@pytest.fixture
def tube(patient):
    """A patient whose labels do not say where the apex is."""
    patient.change_all(lambda data: np.repeat(data[:, :, 2:3], 6, axis=2))
    for name in (IMAGE, IMAGE.replace("frame03", "frame01")):
        patient.change(name, lambda data: data + np.arange(6, dtype=np.int16))  # no slice is another one
    return patient


def checked(patient, **told):
    (raw,) = read_raw(patient.folder.parent).subjects
    return check_subject(replace(raw, **told))


@pytest.mark.parametrize(("others", "order"), [((9, 1), "apex-first"), ((1, 9), "base-first")])
def test_a_stack_in_doubt_follows_the_others(tube, others, order):
    subject = checked(tube, other_orders=others)
    assert subject.is_order_in_doubt
    assert is_base_first(subject.geometry) == (order == "base-first")
    (problem,) = subject.warnings
    assert f"was taken to be {order}, as 9 of 10 other stacks are; look whether it is (prepare" in problem


@pytest.mark.parametrize("order", ["apex-first", "base-first"])
def test_what_a_user_says_counts(tube, order):
    subject = checked(tube, other_orders=(9, 9), slice_order=order)
    assert not subject.is_order_in_doubt
    assert is_base_first(subject.geometry) == (order == "base-first")
    assert subject.warnings == ((TURNED_ROUND,) if order == "base-first" else ())


def test_what_a_user_says_against_the_labels_counts_with_a_warning(patient):
    subject = checked(patient, slice_order="apex-first")
    assert not is_base_first(subject.geometry)
    assert subject.warnings == ("the stack looks as if it were not apex-first; taken to be, as was said",)


def test_an_affine_leaves_no_doubt(tube):
    tube.change_all(affine=OBLIQUE)
    subject = checked(tube)
    assert not subject.is_order_in_doubt
    assert TURNED_ROUND in subject.warnings


def test_an_affine_that_opposes_the_labels_is_warned_of(patient):
    write_acdc(patient.folder.parent, CODE, apex_first=True)
    patient.change_all(affine=OBLIQUE)
    subject = checked(patient)
    assert not is_base_first(subject.geometry)
    assert "the affine points the other way than labels that are apex-first; the labels are believed" in (
        subject.warnings
    )


def test_only_subjects_in_doubt_learn_of_the_others():
    subjects = [RawSubject(code, "", "", {}) for code in "ABCDE"]
    learnt = with_other_orders(subjects, {"A": False, "B": None, "C": True, "D": False})
    assert [raw.other_orders for raw in learnt] == [(0, 0), (2, 1), (0, 0), (0, 0), (0, 0)]
