import json

import pytest

from cmrtf.evaluation.report import render, write_evaluation
from cmrtf.evaluation.section import Section, Table, single
from cmrtf.metrics.bootstrap import Estimate

NAN = float("nan")
SECTIONS = [
    Section(
        "shapes",
        "Shapes & sizes",
        "How good?",
        [
            Table(
                "Dice",
                "",
                {"ED": {"LV": Estimate(0.9, 0.8, 0.95, 10), "RV": single(0.5, 3)}},
                "Higher is better.",
            ),
            Table("HD95", "mm", {"ED": {"LV": Estimate(NAN, NAN, NAN, 0)}, "ES": {"RV": single(123.4, 2)}}),
        ],
        {"Pairs <of twins>": b"\x89PNG"},
    )
]


def test_the_numbers_are_in_the_json(tmp_path):
    write_evaluation(tmp_path, SECTIONS, {"seed": 3})
    data = json.loads((tmp_path / "evaluation.json").read_text(), parse_constant=pytest.fail)
    assert data["seed"] == 3
    dice, hd95 = data["sections"]["shapes"]["tables"]
    assert dice["rows"]["ED"]["LV"] == {"mean": 0.9, "low": 0.8, "high": 0.95, "n": 10}
    assert dice["rows"]["ED"]["RV"] == {"mean": 0.5, "low": None, "high": None, "n": 3}
    assert hd95["rows"]["ED"]["LV"]["mean"] is None


def test_the_page_has_every_number_with_interval_and_n():
    page = render(SECTIONS, {"bundle": "b<1>"})
    assert "0.9 <small>[0.8, 0.95]</small> <small>n=10</small>" in page
    assert "<td>0.5 <small>n=3</small></td>" in page
    assert "123 <small>n=2</small>" in page
    assert "none <small>n=0</small>" in page
    assert "b&lt;1&gt;" in page
    assert "Pairs &lt;of twins&gt;" in page


def test_the_page_needs_nothing_from_outside():
    page = render(SECTIONS, {})
    assert "http" not in page
    assert page.count("data:image/png;base64,") == 3  # a plot per table, and the picture


def test_small_numbers_keep_their_digits():
    page = render([Section("s", "S", "?", [Table("T", "", {"row": {"column": single(0.000341, 2)}})])], {})
    assert "0.000341 <small>n=2</small>" in page
