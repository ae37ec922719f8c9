import numpy as np
import pytest

from raw_patient import IMAGE

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
