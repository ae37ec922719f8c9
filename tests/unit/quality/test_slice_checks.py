import numpy as np
import pytest

from raw_patient import IMAGE, LABEL

SLICES = np.arange(6)
"""Of a patient; the last one has no labels."""


def test_a_slice_of_one_value_is_an_error(patient):
    patient.change(IMAGE, lambda data: np.where(np.isin(SLICES, (1, 3)), 5, data).astype(np.int16))
    problem = (
        "expected a picture in all slices with labels at ES. Received: one value in all of slices 1, 3 "
        "(counted from 0)."
    )
    assert patient.errors() == {IMAGE: problem}


def test_slices_without_labels_may_be_anything(patient):
    patient.change(IMAGE, lambda data: np.where(SLICES == 5, 5, data).astype(np.int16))
    assert patient.warnings() == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda data: data[..., [0, 1, 2, 2, 4, 5]], "Received: the pixels of a neighbour in slices 2, 3 "),
        (
            lambda data: np.where(SLICES == 2, 50, 1).astype(np.int32) * data,
            "expected slices of about one brightness at ES. Received: slice 2 (counted from 0) more than 4 ",
        ),
        (
            lambda data: np.where(SLICES == 2, 50.0, 1.0).astype(np.float32) * data - 700,
            "expected slices of about one brightness at ES",
        ),
        (
            lambda data: np.where(SLICES == 2, 380 - data, data).astype(np.int16),
            "expected LV brighter than the myocardium in all slices at ES. Received: another contrast",
        ),
        (
            lambda data: np.where(SLICES == 2, np.roll(data, 16, axis=1), data),
            "Received: another contrast in slice 2",
        ),
    ],
    ids=["copy", "bright", "bright from below 0", "inverted", "elsewhere"],
)
def test_a_slice_that_is_not_of_its_stack_is_named(patient, change, problem):
    patient.change(IMAGE, change)
    assert problem in " ".join(patient.warnings())


@pytest.mark.parametrize(
    "turn",
    [lambda part: part[::-1], lambda part: part[::-1, ::-1], lambda part: _quarter_turn(part)],
    ids=["mirrored", "upside down", "a quarter"],
)
def test_a_slice_that_is_turned_with_its_labels_is_named(patient, turn):
    """Image and label agree, so nothing but the neighbours tells."""

    def changed(data):
        data = data.copy()
        data[..., 2] = turn(data[..., 2])
        return data

    for name in (IMAGE, LABEL):
        patient.change(name, changed)
    (problem,) = [text for text in patient.warnings() if "one side of the LV in all slices" in text]
    assert "slices 1, 2, 3 (counted from 0)" in problem


def _quarter_turn(part):
    """On the same grid: what does not fit is cut off."""
    turned = np.full_like(part, part[0, 0])
    size = min(part.shape)
    x, y = ((length - size) // 2 for length in part.shape)
    turned[x : x + size, y : y + size] = np.rot90(part[x : x + size, y : y + size])
    return turned


def test_a_stack_that_is_turned_as_a_whole_is_none_of_our_business(patient):
    patient.change_all(lambda data: data[::-1])
    assert not [text for text in patient.warnings() if "one side of the LV" in text]
