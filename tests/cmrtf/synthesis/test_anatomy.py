from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmrtf.data.label_validity import volume_faults
from cmrtf.synthesis.anatomy import PLACES, Anatomy
from cmrtf.synthesis.pose import landmarks
from heart_double import RingModels

MODELS = RingModels()
TAPER = np.linspace(0.6, 1.0, PLACES)[:, None]
HEART = Anatomy(
    np.stack([TAPER * [22.0, 15.0, 18.0], TAPER * [20.0, 10.0, 14.0]]).astype(np.float32),
    np.array([[0.0, 80.0], [10.0, 70.0]], np.float32),
    np.array([35.0, 4.0, -6.0], np.float32),
)
"""Shorter in ES at both ends."""


def codes_of(stack):
    """Of the labelled slices."""
    return MODELS.encode(stack[stack.any(axis=(1, 2))])


@pytest.mark.parametrize("spacing_mm", [5.0, 10.0])
def test_a_heart_comes_back_from_its_labels(spacing_mm):
    again = Anatomy.encode(MODELS.encode, HEART.decode(MODELS, spacing_mm), spacing_mm, HEART.pose)
    np.testing.assert_allclose(again.codes, HEART.codes, atol=0.25)
    np.testing.assert_allclose(again.ends_mm, HEART.ends_mm)
    np.testing.assert_array_equal(again.pose, HEART.pose)


def test_decoded_slices_lie_where_their_codes_say():
    """Four of ED from the apex to the base, 25 mm apart, and as many of ES inside the same stack."""
    upright = replace(HEART, pose=np.zeros(3), ends_mm=np.array([[0.0, 75.0], [25.0, 75.0]]))
    stacks = upright.decode(MODELS, 25.0)
    assert [stack.any(axis=(1, 2)).tolist() for stack in stacks.values()] == [
        [False, True, True, True, True, False],
        [False, False, True, True, True, False],
    ]
    for phase, count, base in (("ED", 4, HEART.codes[0, -1]), ("ES", 3, HEART.codes[1, -1])):
        expected = np.linspace(0.6, 1.0, count)[:, None] * base
        np.testing.assert_allclose(codes_of(stacks[phase]), expected, atol=0.2)


def test_what_is_decoded_lies_in_the_pose_and_is_repaired():
    class Speckled(RingModels):
        def decode(self, codes):
            label_ids = super().decode(codes)
            label_ids[:, 30, 30] = 3
            return label_ids

    upright = replace(HEART, pose=np.zeros(3, np.float32))
    stacks = HEART.decode(Speckled(), 10.0)
    assert all(volume_faults(stack).is_valid for stack in stacks.values())
    lv, rv = landmarks(upright.decode(MODELS, 10.0)["ED"])
    turned = np.exp(1j * np.radians(35.0)) * np.array([complex(*lv), complex(*rv)]) + complex(4.0, -6.0)
    expected = np.stack([turned.real, turned.imag], axis=-1)
    np.testing.assert_allclose(landmarks(stacks["ED"]), expected, atol=0.3)


def test_slices_that_are_not_labelled_are_bridged():
    stacks = HEART.decode(MODELS, 10.0)
    gappy = {phase: stack.copy() for phase, stack in stacks.items()}
    gappy["ED"][4] = 0
    whole, bridged = (Anatomy.encode(MODELS.encode, each, 10.0, HEART.pose) for each in (stacks, gappy))
    np.testing.assert_allclose(bridged.codes, whole.codes, atol=0.25)
    np.testing.assert_array_equal(bridged.ends_mm, whole.ends_mm)


def test_ends_count_from_the_apex_in_ed():
    """Wherever the heart lies in its stack."""
    stacks = {phase: np.roll(stack, 3, axis=0) for phase, stack in _roomy(HEART.decode(MODELS, 10.0)).items()}
    again = Anatomy.encode(MODELS.encode, stacks, 10.0, HEART.pose)
    np.testing.assert_allclose(again.ends_mm, HEART.ends_mm)


def _roomy(stacks):
    return {phase: np.pad(stack, ((0, 4), (0, 0), (0, 0))) for phase, stack in stacks.items()}


apices = st.floats(-20, 20)
lengths = st.floats(1, 120)


@given(apices, st.tuples(lengths, lengths), st.floats(3, 12), st.integers(0, 2))
def test_slices_are_the_closest_to_the_ends(apex, lengths, spacing_mm, margin):
    ends_mm = np.array([[0.0, lengths[0]], [apex, apex + lengths[1]]])
    ends, on_slices = replace(HEART, ends_mm=ends_mm).slices(spacing_mm, margin)
    off = np.abs(ends * spacing_mm - ends_mm)
    assert off[:, 0].max() <= spacing_mm / 2 + 1e-9
    assert (ends[:, 1] > ends[:, 0]).all()
    assert (off[:, 1] <= spacing_mm / 2 + 1e-9)[ends[:, 1] > ends[:, 0] + 1].all()
    assert (on_slices[0], on_slices[-1]) == (ends.min() - margin, ends.max() + margin)
