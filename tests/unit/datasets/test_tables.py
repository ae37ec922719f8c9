from pathlib import Path

import pytest

from cmrtf.datasets.tables import (
    known_centre,
    known_pathology,
    known_vendor,
    read_tables,
    tables_at_or_above,
)
from cmrtf.errors import CmrtfError


def test_later_tables_add_to_earlier_ones(tmp_path):
    (tmp_path / "1.csv").write_text("\ufeffcode, vendor\nA, B\nC, D\n")
    (tmp_path / "2.csv").write_text("code,vendor,age\nA,,50\n\n")
    (tmp_path / "3.csv").write_text("other\n1\n")
    rows, missing = read_tables(sorted(tmp_path.iterdir()), "code", ("code", "vendor"))
    assert rows == {"A": {"code": "A", "vendor": "B", "age": "50"}, "C": {"code": "C", "vendor": "D"}}
    assert rows["A"].table.name == "2.csv"
    assert missing == {"1.csv": [], "2.csv": [], "3.csv": ["code", "vendor"]}


def test_a_data_set_right_below_the_root_of_the_disk_has_tables(tmp_path, monkeypatch):
    (tmp_path / "1.csv").touch()
    monkeypatch.setattr(Path, "resolve", lambda self: Path("/data"))
    assert tables_at_or_above(tmp_path) == [tmp_path / "1.csv"]


def test_an_empty_table_is_named(tmp_path):
    (tmp_path / "1.csv").touch()
    with pytest.raises(CmrtfError, match=r"1\.csv: expected a CSV with a header line"):
        read_tables([tmp_path / "1.csv"], "code", ())


def test_tables_are_looked_for_above_where_there_are_none_below(tmp_path):
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    (tmp_path / "a" / "far.csv").touch()
    assert [path.name for path in tables_at_or_above(tmp_path / "a" / "b" / "c")] == ["far.csv"]
    (tmp_path / "a" / "b" / "c" / "own.csv").touch()
    assert [path.name for path in tables_at_or_above(tmp_path / "a" / "b" / "c")] == ["own.csv"]


def test_vendors_are_letters():
    assert known_vendor("C", Path("t.csv")) == ("C", ())
    vendor, (issue,) = known_vendor("Siemens", Path("t.csv"))
    assert (vendor, issue.level) == ("", "warning")
    assert "Siemens" not in issue.problem


@pytest.mark.parametrize(
    ("text", "pathology", "centre"),
    [("DCM", "DCM", "DCM"), ("1.0", "", "1"), ("DCM of John Doe", "", ""), ("", "", "")],
)
def test_only_abbreviations_are_carried_over(text, pathology, centre):
    assert (known_pathology(text), known_centre(text)) == (pathology, centre)
