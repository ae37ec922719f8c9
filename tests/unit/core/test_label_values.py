import doctest

import pytest

from cmrtf.core import label_values
from cmrtf.core.label_values import are_label_values, label_to_schema, parse_label_values
from cmrtf.errors import CmrtfError


def test_the_examples_hold():
    assert doctest.testmod(label_values) == (0, 2)


def test_without_values_the_file_holds_label_ids():
    assert label_to_schema(None) == {0: 0, 1: 1, 2: 2, 3: 3}


def test_values_are_read_in_any_order_and_case():
    assert parse_label_values(" rv=255,lv = 85 , Myo=170") == {"RV": 255, "LV": 85, "MYO": 170}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3,2,1",
        "LV=3, MYO=2",
        "LV=3, MYO=2, RV=2",
        "LV=3, MYO=2, RV=0",
        "LV=3, MYO=2, RV=-1",
        "LV=3, MYO=2, RV=65536",
        "LV=3, MYO=2, RV=1, LA=4",
        "LV=3, MYO=2, RV=1, LV=4",
        "LV=3, MYO=2, RV=1.5",
        "LV:3, MYO:2, RV:1",
    ],
)
def test_what_does_not_say_it_of_each_structure_once_is_quoted(text):
    with pytest.raises(
        CmrtfError, match=r"expected a number from 1 to 65535 for each of LV, MYO, RV"
    ) as error:
        parse_label_values(text)
    assert str(error.value).endswith(f"Received: {text!r}.")


@pytest.mark.parametrize(
    "values", [{}, {"LV": 1, "MYO": 2}, {"LV": 1, "MYO": 2, "RV": True}, {"LV": 1, "MYO": 2, "RV": "3"}]
)
def test_values_by_name_are_checked_too(values):
    assert not are_label_values(values)
    with pytest.raises(CmrtfError, match=r"label values: expected a number .* Received: \{"):
        label_to_schema(values)


@pytest.mark.parametrize("values", [None, 3, "LV", ["LV", "MYO", "RV"]])
def test_what_is_no_mapping_says_nothing_of_structures(values):
    assert not are_label_values(values)
