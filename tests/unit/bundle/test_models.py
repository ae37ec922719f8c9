import numpy as np
import pytest

from cmrtf.bundle.models import NEEDED, BundleModels
from cmrtf.bundle.signatures import promised_signatures


class Counting(BundleModels):
    """Returns what it was given, and notes how many rows came at a time."""

    rows_per_call = 4
    provenance: dict = {}  # noqa: RUF012

    def __init__(self):
        self.rows = []

    def call(self, model, signature, inputs, output):
        (values, *_) = inputs.values()
        self.rows.append(len(values))
        return values


@pytest.mark.parametrize(("rows", "parts"), [(0, [1]), (3, [3]), (4, [4]), (9, [4, 4, 1])])
def test_slices_go_a_few_at_a_time_and_come_back_in_order(rows, parts):
    models = Counting()
    codes = np.arange(rows * 2, dtype=np.float32).reshape(rows, 2)
    np.testing.assert_array_equal(models.decode(codes), codes)
    assert models.rows == parts


def test_the_signatures_that_it_needs_are_promised():
    promised = promised_signatures(4, 128, 4, 4)
    assert {model: set(names) <= set(promised[model]) for model, names in NEEDED.items()} == {
        "label_vae": True,
        "spade_gan": True,
    }
