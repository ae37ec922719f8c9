import numpy as np
import pytest

from raw_patient import IMAGE, LABEL


def _with(data, value):
    changed = data.astype(np.float32)
    changed[20, 20, 2] = value
    return changed


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite(patient, value):
    patient.change(IMAGE, lambda data: _with(data, value))
    problem = "expected finite values. Received: 1 voxels that are NaN or infinite."
    assert patient.errors() == {IMAGE: problem}


def test_nan_away_from_the_heart_becomes_the_lowest_value(patient):
    def spoil(data):
        spoilt = data.astype(np.float32)
        spoilt[0] = np.nan
        return spoilt

    patient.change(IMAGE, spoil)
    (problem,) = patient.warnings()
    assert "264 voxels that are NaN or infinite, all of them away from the heart" in problem
    image = patient.check().stacks["ES"].image
    assert (image[..., 0] == image[..., 1:].min()).all()


def test_an_image_without_contrast(patient):
    patient.change(IMAGE, np.zeros_like)
    assert patient.errors() == {IMAGE: "expected an image. Received: the value 0 everywhere."}


def test_a_label_map_is_no_image(patient):
    patient.change(IMAGE, lambda data: (np.arange(data.size).reshape(data.shape) % 4).astype(np.int16))
    assert patient.errors() == {
        IMAGE: "expected an image. Received: the values 0, 1, 2, 3 alone, as of a label map."
    }


def test_an_empty_mask(patient):
    patient.change(LABEL, np.zeros_like)
    problem = (
        "expected a heart labelled in at least 2 slices of frame 2 (counted from 0). Received: an empty mask."
    )
    assert patient.errors() == {LABEL: problem}


def test_labels_in_one_slice_only(patient):
    patient.change(LABEL, lambda data: data * (np.arange(6) == 2).astype(np.uint8))
    assert "Received: labels in one slice only" in patient.errors()[LABEL]


@pytest.mark.parametrize(("value", "received"), [(4, "4"), (1.5, "1.5"), (-1, "-1"), (np.nan, "nan")])
def test_wrong_label_values_are_told_in_the_order_of_the_file(patient, value, received):
    patient.change(LABEL, lambda data: _with(data, value))
    problem = patient.errors()[LABEL]
    assert "expected label values within {0 background, 1 RV, 2 MYO, 3 LV}" in problem
    assert problem.endswith(f"Received: {received}.")


def test_whole_numbers_stored_as_floats_are_fine(patient):
    expected = patient.check().stacks["ES"].label_ids
    patient.change(LABEL, lambda data: data.astype(np.float32))
    np.testing.assert_array_equal(patient.check().stacks["ES"].label_ids, expected)


def test_saturated_values(patient):
    patient.change(IMAGE, lambda data: np.clip(data, 0, 255).astype(np.uint8))
    (problem,) = patient.warnings()
    assert "expected few voxels at 255, the end of uint8" in problem


def test_negative_values_of_integers(patient):
    patient.change(IMAGE, lambda data: (data - 90).astype(np.int16))
    (problem,) = patient.warnings()
    assert "expected no negative values in a magnitude image" in problem


def test_values_that_became_negative(patient):
    patient.change(IMAGE, lambda data: (data.astype(np.int64) * 120).astype(np.int16))
    assert "values too large for int16 have become negative" in patient.errors()[IMAGE]


@pytest.mark.parametrize(
    ("change", "dtype"), [(lambda data: data - 90.0, np.float32), (lambda data: data * 100, np.uint16)]
)
def test_other_ranges_of_values_are_fine(patient, change, dtype):
    patient.change(IMAGE, lambda data: change(data).astype(dtype))
    assert patient.warnings() == []


def test_raw_stacks_hold_the_voxels_of_their_files(patient):
    stack = patient.check().stacks["ES"]
    voxels = {}
    for name in (IMAGE, LABEL):
        patient.change(name, lambda data, name=name: voxels.setdefault(name, data))
    np.testing.assert_array_equal(stack.image, voxels[IMAGE].transpose(2, 1, 0))
    np.testing.assert_array_equal(stack.label_ids, np.array([0, 3, 2, 1])[voxels[LABEL]].transpose(2, 1, 0))
    assert stack.spacing_mm == (3.0, 3.0, 10.0)


@pytest.mark.parametrize("scale", [1, 85, 1 / 3])
def test_a_label_map_of_any_scale_is_no_image(patient, scale):
    patient.change(IMAGE, lambda data: ((data > 200) + 2.0 * (data > 250)) * np.float32(scale))
    assert "alone, as of a label map" in patient.errors()[IMAGE]
