import numpy as np
import pytest

from cmrtf.core.arguments import (
    MAX_SEED,
    is_number,
    require_flags,
    require_text,
    require_texts,
    require_whole,
)
from cmrtf.errors import CmrtfError


@pytest.mark.parametrize("value", [0, 7, MAX_SEED, np.int64(7), np.uint8(0)])
def test_whole_numbers_within_the_range_pass(value):
    require_whole("seed", value, 0, MAX_SEED)


@pytest.mark.parametrize("value", [-1, MAX_SEED + 1, 1.0, float("nan"), "1", None, True, [1], np.float32(1)])
def test_all_else_is_named_with_the_range(value):
    with pytest.raises(CmrtfError, match=r"seed: expected a whole number from 0 to 4294967295\. Received: "):
        require_whole("seed", value, 0, MAX_SEED)


def test_true_and_false_pass():
    require_flags(repair=True, progress=False)


@pytest.mark.parametrize("value", ["no", "", 0, 1, None, [False], np.bool_(True)])
def test_what_is_neither_true_nor_false_is_named(value):
    with pytest.raises(CmrtfError, match=r"repair: expected True or False\. Received: "):
        require_flags(progress=True, repair=value)


def test_text_and_lists_of_it_pass():
    require_text("code", "P1")
    require_texts("exclude", ["P1", "P2"])
    require_texts("exclude", ())


@pytest.mark.parametrize("values", [None, 5, "P1", b"P1", [5], {"P1"}])
def test_what_is_no_list_of_texts_is_named(values):
    with pytest.raises(CmrtfError, match=r"exclude: expected a list of texts\. Received: "):
        require_texts("exclude", values)


@pytest.mark.parametrize("value", [None, 5, b"P1", ["P1"]])
def test_what_is_no_text_is_named(value):
    with pytest.raises(CmrtfError, match=r"code: expected text\. Received: "):
        require_text("code", value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, True), (0.5, True), (np.float32(1), True), (True, False), ("1", False), (None, False), (1j, False)],
)
def test_numbers_are_real_and_no_truth_values(value, expected):
    assert is_number(value) is expected
