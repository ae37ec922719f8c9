import numpy as np
import pytest

from cmrtf.core.arguments import MAX_SEED, require_flags, require_whole
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
