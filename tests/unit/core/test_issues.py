import pytest

from cmrtf.core.issues import raise_problems
from cmrtf.errors import CmrtfError


def test_all_problems_are_named_up_to_ten():
    raise_problems([], 5)
    with pytest.raises(CmrtfError, match=r"^a: bad$"):
        raise_problems(["a: bad"], 5)
    with pytest.raises(CmrtfError) as caught:
        raise_problems([f"file{i}: bad" for i in range(12)], 40)
    message = str(caught.value)
    assert message.startswith("12 of 40 subjects cannot be used:\n  - file0: bad\n")
    assert "file9" in message
    assert "file10" not in message
    assert message.endswith("... and 2 more; `cmrtf check` lists them all.")
