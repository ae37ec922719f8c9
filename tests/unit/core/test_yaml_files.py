import itertools
import time

import pytest

from cmrtf.core.yaml_files import parse_assignments, parse_yaml, read_yaml, shown
from cmrtf.errors import CmrtfError, FileError


def test_numbers_are_those_that_everybody_reads():
    assert parse_yaml(b"{a: 1e-3, b: 1.5e2, g: .5e1, c: -1E+2, d: 3, e: 1e, f: yes}") == {
        "a": 0.001,
        "b": 150.0,
        "c": -100.0,
        "d": 3,
        "e": "1e",
        "f": True,
        "g": 5.0,
    }


@pytest.mark.parametrize("text", ["010", "1:30", "1:30.5", "0x10", "0b11", "00", "-012"])
def test_what_yaml_1_1_takes_for_another_number_is_text(text):
    """010 was 8, and 1:30 was 90, without a word."""
    assert parse_yaml(text.encode()) == text


def test_long_numbers_and_those_without_a_value_are_numbers_still():
    assert parse_yaml(b"[1_000, -3, +2, 0, .5, 5., .inf]") == [1000, -3, 2, 0, 0.5, 5.0, float("inf")]


BOMB = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [*{old}, *{old}]\n" for old, new in itertools.pairwise("abcdefghi")
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: &x [1]\nb: *x", r"an alias, \*x: write its value .*line 2"),
        (BOMB, r"an alias, \*a"),
        ("a: &x {p: 1}\nb: {<<: *x}", r"an alias, \*x"),
        ("a: 1\nb: 2\na: 3", "a twice"),
        ("a: 2020-13-45", "month must be in 1..12"),
        ("a: " + "1" * 5000, "digits"),
        ("- " * 4000 + "a", "recursion"),
        ("? [a]\n: 1", "unhashable key"),
        ("a: !!int x", "invalid literal"),
        ("a: !!bool x", "x"),
        ("a: !!timestamp x", "groupdict"),
        ("a: !!int ''", "index out of range"),
        ("!!python/object:os.system x", "could not determine a constructor"),
        ("a: {", "while parsing"),
        ("a: \0", "unacceptable character"),
        ("[" * 60, "more than 50 brackets"),
        ("# " + "x" * 10_000, "more than 10000 bytes"),
    ],
)
def test_what_is_no_small_yaml_ends_soon_and_in_one_line(tmp_path, text, problem):
    file = tmp_path / "a.yaml"
    file.write_text(text)
    started = time.monotonic()
    with pytest.raises(
        FileError, match=rf"a\.yaml: expected a small YAML file\. Received: .*{problem}"
    ) as error:
        read_yaml(file)
    assert "\n" not in str(error.value)
    assert time.monotonic() - started < 2.0


def test_a_file_must_be_there(tmp_path):
    with pytest.raises(FileError, match=r"b\.yaml: expected a small YAML file\. Received: .*No such file"):
        read_yaml(tmp_path / "b.yaml")


def test_values_are_shown_as_far_as_a_message_needs_them():
    assert shown(None) == "nothing"
    assert shown("x" * 1000).startswith("'xxx")
    nested = 0
    for _ in range(50):
        nested = [nested] * 50
    assert max(len(shown("x" * 1000)), len(shown(nested)), len(shown(10**100))) < 400


def test_assignments_have_values_in_yaml():
    assert parse_assignments(["learning_rate=1e-3", "widths=[4, 8]", "linear_path=true", "x.y=a=b"]) == {
        "learning_rate": 0.001,
        "widths": [4, 8],
        "linear_path": True,
        "x.y": "a=b",
    }


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["steps"], "expected name=value, such as .*Received: 'steps'"),
        (["=3"], "expected name=value"),
        (["steps=1", "steps=2"], "steps: expected one value. Received: 1 and '2'"),
        (["widths=["], r"widths: expected a value. Received: '\['"),
    ],
)
def test_what_is_no_assignment_is_named(assignments, message):
    with pytest.raises(CmrtfError, match=message):
        parse_assignments(assignments)
