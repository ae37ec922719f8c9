import numpy as np
import pytest

from cmrtf.bundle.models import NEEDED, SignatureModels
from cmrtf.bundle.signatures import promised_signatures


class Counting(SignatureModels):
    """Returns a pixel of what it was given, and notes how many rows came at a time."""

    promised = promised_signatures(4, 128, 1, 1)
    rows_per_call = 4
    provenance: dict = {}  # noqa: RUF012

    def __init__(self):
        self.rows = []

    def call(self, model, signature, inputs, output, expected):
        (values, *_) = inputs.values()
        self.rows.append(len(values))
        return values[:, 0, :1].astype(np.float32)


@pytest.mark.parametrize(("rows", "parts"), [(0, [1]), (3, [3]), (4, [4]), (9, [4, 4, 1])])
def test_slices_go_a_few_at_a_time_and_come_back_in_order(rows, parts):
    models = Counting()
    label_ids = np.arange(rows, dtype=np.int32).reshape(rows, 1, 1)
    np.testing.assert_array_equal(models.encode(label_ids)[:, 0], range(rows))
    assert models.rows == parts


def test_the_signatures_that_it_needs_are_promised():
    promised = promised_signatures(4, 128, 4, 4)
    assert {model: set(names) <= set(promised[model]) for model, names in NEEDED.items()} == {
        "label_vae": True,
        "spade_gan": True,
    }


def test_codes_and_images_have_the_promised_shapes_and_types(bundle, slices):
    """Labels of any integer type, images of any float type and without a channel axis."""
    label_ids = slices["label_ids"].astype(np.uint8)
    codes = bundle.models.encode(label_ids)
    assert (codes.shape, codes.dtype) == ((3, 4), np.float32)
    decoded = bundle.models.decode(codes)
    assert (decoded.shape, decoded.dtype) == ((3, 128, 128), np.uint8)
    assert decoded.max() < 4
    styles = bundle.models.encode_style(slices["image"][..., 0].astype(np.float64))
    assert (styles.shape, styles.dtype) == ((3, 4), np.float32)
    image = bundle.models.synthesize(label_ids, styles)
    assert (image.shape, image.dtype) == ((3, 128, 128), np.float32)
    assert np.abs(image).max() <= 1.0


def test_no_slices_give_none(bundle):
    """An interpolation may have no slice with a heart."""
    assert bundle.models.decode(np.zeros((0, 4), np.float32)).shape == (0, 128, 128)
    assert bundle.models.encode(np.zeros((0, 128, 128), np.uint8)).shape == (0, 4)
