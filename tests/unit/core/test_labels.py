import numpy as np
import pytest

from cmrtf.core.labels import ACDC_TO_SCHEMA, SCHEMA, LabelSchema, whole_numbers
from cmrtf.errors import CmrtfError


def test_ids_follow_the_order_of_the_structures():
    assert [SCHEMA.id_of(name) for name in ("background", "LV", "MYO", "RV")] == [0, 1, 2, 3]
    assert SCHEMA.num_classes == 4
    assert SCHEMA.foreground == ("LV", "MYO", "RV")


def test_acdc_is_reversed():
    acdc = (0, 1, 2, 3)  # background, RV, MYO, LV
    assert [SCHEMA.structures[i] for i in (ACDC_TO_SCHEMA[value] for value in acdc)] == [
        "background",
        "RV",
        "MYO",
        "LV",
    ]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float64])
def test_its_own_ids_are_valid_in_any_type(dtype):
    SCHEMA.validate(np.array([[0, 1], [2, 3]], dtype), "x.nii.gz")


@pytest.mark.parametrize(
    ("values", "named"), [([0, 4], "4"), ([1.5, 0], "1.5"), ([-1, 0], "-1"), ([np.nan], "nan")]
)
def test_a_foreign_value_is_named_with_its_file(values, named):
    with pytest.raises(
        CmrtfError, match=rf"^x\.nii\.gz: expected label values within .*Received: {named}\.$"
    ):
        SCHEMA.validate(np.array(values), "x.nii.gz")


def test_a_schema_of_other_structures_has_other_limits():
    two = LabelSchema("two", ("background", "LV"))
    two.validate(np.array([0, 1]), "x")
    with pytest.raises(CmrtfError, match=r"0 background, 1 LV.*two order"):
        two.validate(np.array([2]), "x")
    assert two.to_dict() == {"name": "two", "structures": ["background", "LV"]}


def test_nearly_whole_numbers_become_whole_and_others_stay():
    stored = np.array([0.9999999998, 2.0009, 0.4, np.nan, np.inf])
    np.testing.assert_array_equal(whole_numbers(stored), [1.0, 2.0, 0.4, np.nan, np.inf])
    assert whole_numbers(stored.astype(np.float32)).dtype == np.float32


def test_a_value_that_is_not_whole_is_named_with_all_its_digits():
    with pytest.raises(CmrtfError, match=r"Received: 0\.99999\.$"):
        SCHEMA.validate(np.array([0.99999]), "x")
