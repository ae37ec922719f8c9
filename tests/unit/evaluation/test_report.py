import json
import re

import pytest

from cmrtf.errors import CmrtfError
from cmrtf.evaluation.report import Evaluation
from cmrtf.evaluation.section import Headline, Section, Table, single
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
        Headline("Dice", "ED", "ES"),
        {"Pairs <of slices>": b"\x89PNG"},
    )
]


def test_the_numbers_are_in_the_json(tmp_path):
    Evaluation(SECTIONS, {"seed": 3}).save(tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"evaluation.json", "report.html"}
    data = json.loads((tmp_path / "out" / "evaluation.json").read_text(), parse_constant=pytest.fail)
    assert data["seed"] == 3
    dice, hd95 = data["sections"]["shapes"]["tables"]
    assert dice["rows"]["ED"]["LV"] == {"mean": 0.9, "low": 0.8, "high": 0.95, "n": 10}
    assert dice["rows"]["ED"]["RV"] == {"mean": 0.5, "low": None, "high": None, "n": 3}
    assert hd95["rows"]["ED"]["LV"]["mean"] is None


def test_the_page_has_every_number_with_interval_and_n():
    page = Evaluation(SECTIONS, {"bundle": "b<1>"}).to_html()
    assert "0.9 <small>[0.8, 0.95]</small> <small>n=10</small>" in page
    assert "<td>0.5 <small>n=3</small></td>" in page
    assert "123 <small>n=2</small>" in page
    assert "none <small>n=0</small>" in page
    assert "b&lt;1&gt;" in page
    assert "Pairs &lt;of slices&gt;" in page


def test_the_page_needs_nothing_from_outside():
    page = Evaluation(SECTIONS, {}).to_html()
    assert "http:" not in page
    assert "https:" not in page
    assert page.count("data:image/png;base64,") == 1


def test_the_summary_comes_first_and_leads_to_the_section():
    page = Evaluation(SECTIONS, {}).to_html()
    summary = page[page.index("<h2>Summary") : page.index('<section id="shapes">')]
    assert '<a href="#shapes">How good?</a>' in summary
    assert "LV 0.9 <small>[0.8, 0.95]</small>" in summary
    assert "ES: " not in summary, "the row to compare with was not measured"


def test_structures_are_plotted_in_their_own_colours_between_ticks():
    page = Evaluation(SECTIONS, {}).to_html()
    dice = page[page.index('aria-label="Dice,') : page.index("HD95")]
    marks = re.findall(r'<div class="(LV|MYO|RV)">(.*?)</div>', dice, re.DOTALL)
    assert [structure for structure, _ in marks] == ["LV", "RV"]
    ticks = [float(tick) for tick in re.findall(r"<span style=[^>]*>([\d.]+)", dice)]
    low, high = ticks[0], ticks[-1]
    assert low <= 0.5
    assert high >= 0.95
    left, width = re.search(r'"interval" style="left: ([\d.]+)%; width: ([\d.]+)%"', marks[0][1]).groups()
    assert float(left) == pytest.approx(100 * (0.8 - low) / (high - low), abs=0.01)
    assert float(width) == pytest.approx(100 * 0.15 / (high - low), abs=0.02)
    assert "interval" not in marks[1][1]


def test_of_two_columns_of_one_structure_the_second_is_hollow():
    rows = {"real": {name: single(1.0, 2) for name in ("LV_EDV", "LV_ESV", "distance")}}
    page = Evaluation([Section("s", "S", "?", [Table("T", "ml", rows)])], {}).to_html()
    assert '<i class="LV"></i>LV_EDV' in page
    assert '<i class="LV hollow"></i>LV_ESV' in page
    assert '<i class="colour-2"></i>distance' in page


def test_pictures_and_plots_say_what_they_show():
    page = Evaluation(SECTIONS, {}).to_html()
    assert 'alt=""' not in page
    assert page.count('role="img" aria-label="') == 2


def test_a_taken_folder_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(CmrtfError, match=str(tmp_path)):
        Evaluation(SECTIONS, {}).save(tmp_path)


def test_a_notebook_shows_the_tables_without_the_style_of_the_page():
    evaluation = Evaluation(SECTIONS, {})
    shown = evaluation._repr_html_()
    assert "0.9 <small>[0.8, 0.95]</small>" in shown
    assert "<style" not in shown
    assert repr(evaluation) == "Evaluation(Shapes & sizes)"


def test_an_empty_table_is_left_out():
    page = Evaluation([Section("s", "S", "?", [Table("Nothing known", "", {})])], {}).to_html()
    assert "Nothing known" not in page


@pytest.mark.parametrize(("value", "text"), [(0.000341, "0.000341"), (99.96, "100"), (1234.5, "1234")])
def test_numbers_have_three_digits_that_mean_something(value, text):
    section = Section("s", "S", "?", [Table("T", "", {"row": {"column": single(value, 2)}})])
    assert f"<td>{text} <small>n=2</small></td>" in Evaluation([section], {}).to_html()
