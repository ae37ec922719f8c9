from pathlib import Path

import pytest

from cmrtf.core.issues import Issue, errors, listed, raise_errors, raise_problems
from cmrtf.errors import CmrtfError, FileError


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


def test_what_to_do_about_problems_comes_last():
    with pytest.raises(CmrtfError, match=r"^a: bad Mend it\.$"):
        raise_problems(["a: bad"], 5, advice="Mend it.")
    with pytest.raises(CmrtfError, match=r"cannot be used:\n  - a: bad\n  - b: bad\nMend it\.$"):
        raise_problems(["a: bad", "b: bad"], 5, advice="Mend it.")


def test_only_errors_are_raised_all_of_them_at_once():
    warning = Issue("warning", Path("a"), "odd")
    raise_errors([warning])
    wrong = [Issue("error", Path(name), "wrong") for name in ("b", "c")]
    assert errors([warning, *wrong]) == wrong
    with pytest.raises(CmrtfError, match=r"^b: wrong\. Also: c: wrong\.$"):
        raise_errors([warning, *wrong])


def test_the_error_of_a_file_becomes_an_issue():
    issue = Issue.of(FileError(Path("a"), "wrong"), "S1")
    assert (issue.level, issue.subject, str(issue)) == ("error", "S1", "a: wrong.")


def test_long_lists_are_cut():
    assert listed([]) == ""
    assert listed(["a", "b"], limit=2) == "a, b"
    assert listed(["a", "b", "c"], limit=2) == "a, b, ..."
