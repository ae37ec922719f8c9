import pytest

from cmrtf.core.text import cell, cells, counts_by_name, printable
from cmrtf.errors import CmrtfError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Größe 2, 心\n\tend", "Größe 2, 心\n\tend"),
        ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ("\x9b2J", r"\x9b2J"),
        ("over\rwritten\x08\x00", r"over\rwritten\x08\x00"),
        ("caf\udce9", r"caf\udce9"),
        ("left\u202eright\u2028", r"left\u202eright\u2028"),
    ],
)
def test_what_is_no_visible_character_is_an_escape(text, expected):
    assert printable(text) == expected


def test_errors_are_printable():
    assert str(CmrtfError("file\x1b]0;title\x07: expected")) == r"file\x1b]0;title\x07: expected"


@pytest.mark.parametrize("formula", ["=HYPERLINK()", "+1+1", "-DCM", "@SUM(A1)"])
def test_a_formula_is_quoted_in_a_table(formula):
    assert cell(formula) == f"'{formula}"


def test_numbers_and_words_stay_as_they_are_in_a_table():
    assert cells(["-1.50", -2, "", "A", "DCM", "nan"]) == ["-1.50", "-2", "", "A", "DCM", "nan"]


def test_names_are_counted_and_rare_ones_can_be_left_out():
    names = ["B", "A", "", "B", "B", ""]
    assert list(counts_by_name(names).items()) == [("A", 1), ("B", 3), ("unknown", 2)]
    assert counts_by_name(names, least=2) == {"B": 3, "unknown": 2}
