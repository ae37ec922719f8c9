import doctest

import numpy as np
import pytest

from cmrtf.core.geometry import Geometry
from cmrtf.core.stack import Stack
from cmrtf.errors import CmrtfError
from cmrtf.synthesis import heart_axis
from cmrtf.synthesis.heart_axis import HeartSpan, between, codes_at


def _stack(*labelled):
    """One slice per argument, with a heart where it is true."""
    label_ids = np.array(labelled, np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
    return Stack(label_ids, label_ids, Geometry.of(np.eye(4), label_ids.shape[::-1]))


def test_the_examples_hold():
    assert doctest.testmod(heart_axis) == (0, 1)


def test_codes_are_interpolated_linearly_between_neighbouring_slices():
    codes = np.array([[0.0, 1.0], [2.0, 1.0], [10.0, -1.0]])
    at = codes_at(codes, np.array([0.0, 0.25, 0.5, 0.75, 1.0]))
    np.testing.assert_allclose(at, [[0, 1], [1, 1], [2, 1], [6, 0], [10, -1]])
    assert at.dtype == np.float32


def test_as_many_places_as_slices_give_the_codes_back():
    codes = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    np.testing.assert_allclose(codes_at(codes, np.linspace(0, 1, 7)), codes, atol=1e-6)


def test_between():
    assert between(2.0, 6.0, 0.25) == 3.0
    np.testing.assert_allclose(between(np.zeros(2), np.ones(2), np.array([0.0, 0.5])), [0.0, 0.5])


def test_a_heart_spans_its_first_to_its_last_labelled_slice():
    assert HeartSpan.of(_stack(0, 1, 1, 0, 1, 0), "") == HeartSpan(0.2, 0.8, 0.1)
    assert HeartSpan.of(_stack(1, 1), "") == HeartSpan(0.0, 1.0, 0.5)


@pytest.mark.parametrize("labelled", [(0, 0, 0), (0, 1, 0), (1,)])
def test_a_heart_in_fewer_than_two_slices_is_refused(labelled):
    message = rf"subject X, ED: expected a heart labelled in two slices or more.*Received: {sum(labelled)}\."
    with pytest.raises(CmrtfError, match=message):
        HeartSpan.of(_stack(*labelled), "subject X, ED")


def test_a_label_reaches_half_a_slice():
    span = HeartSpan.of(_stack(0, 1, 1, 1, 0), "")  # slices at 0, 1/4, ...: labelled from 1/8 to 7/8
    positions = np.array([0.0, 0.12, 0.125, 0.5, 0.875, 0.88, 1.0])
    assert span.contains(positions).tolist() == [False, False, True, True, True, False, False]


def test_spans_are_interpolated():
    span = HeartSpan(0.0, 1.0, 0.5).towards(HeartSpan(0.2, 0.6, 0.1), 0.25)
    np.testing.assert_allclose([span.first, span.last, span.half_slice], [0.05, 0.9, 0.4])


def test_places_are_carried_over_apex_to_apex_and_base_to_base():
    source, target = HeartSpan(0.2, 0.6, 0.1), HeartSpan(0.0, 0.5, 0.1)
    carried = source.carry_over(np.array([0.2, 0.3, 0.6, 0.0, 1.0]), to=target)
    np.testing.assert_allclose(carried, [0.0, 0.125, 0.5, 0.0, 1.0])


def test_carrying_over_to_itself_changes_nothing():
    span = HeartSpan(0.2, 0.6, 0.1)
    positions = np.linspace(0, 1, 11)
    np.testing.assert_allclose(span.carry_over(positions, to=span), positions, atol=1e-12)
