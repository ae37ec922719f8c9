import os
from pathlib import Path

import pytest

from cmrtf.datasets.tables import known_centre, known_pathology, known_vendor, read_tables, vendor_letter
from cmrtf.errors import FileError

COLUMNS = ("code", "vendor")


def _rows(folder):
    return read_tables(folder, "code", COLUMNS)[0]


def _read(folder, text):
    (folder / "1.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return _rows(folder)


def test_later_tables_add_to_earlier_ones(tmp_path):
    (tmp_path / "1.csv").write_text("\ufeffcode, vendor\nA, B\nC, D\n")
    (tmp_path / "2.csv").write_text("code,vendor,age\nA,,50\n\n")
    rows = _rows(tmp_path)
    assert rows == {"A": {"code": "A", "vendor": "B", "age": "50"}, "C": {"code": "C", "vendor": "D"}}
    assert rows["A"].table.name == "2.csv"
    assert not rows["A"].issues


def test_tables_that_differ_are_warned_of(tmp_path):
    (tmp_path / "1.csv").write_text("code,vendor,age\nA,B,50\nC,D,50\n")
    (tmp_path / "2.csv").write_text("code,vendor,age\nA,C,51\nC,D,51\n")
    rows = _rows(tmp_path)
    assert [row["vendor"] for row in rows.values()] == ["C", "D"]
    (issue,) = rows["A"].issues
    assert (issue.level, issue.file.name) == ("warning", "2.csv")
    assert "expected the tables to agree on vendor of the subject; the later one" in issue.problem
    assert not rows["C"].issues


@pytest.mark.parametrize(
    "text",
    [
        "code;vendor\nA;B\n",
        "code\tvendor\r\nA\tB\r\n",
        "\ufeffcode;vendor\rA;B\r",
        '"code","vendor"\n"A","B"\n',
        '"code";"vendor";"note"\n"A";"B";"one, two; ""three"""\n',
        "note;code;vendor\n1,5, or 2;A;B\n",
        "code,vendor,,\nA,B,,\n,,,\n",
        "\n\ncode,vendor\nA,B\n",
        "sep=;\r\ncode;vendor\r\nA;B\r\n",
        "code;vendor\nA;B\n".encode("utf-16"),
        "code,vendor,name\nA,B,M\xfcller\n".encode("latin-1"),
    ],
)
def test_what_spreadsheet_programs_make_of_a_table_is_read(tmp_path, text):
    rows = _read(tmp_path, text)
    assert (list(rows), rows["A"]["vendor"]) == (["A"], "B")
    rows["A"].require_sound()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "code,vendor\nA,B\nC,B\nA,D\n",
            "expected one line for subject A. Received: lines 2 and 4, which differ",
        ),
        ("code,vendor\nC,B\nA,GE, Medical,\n", "expected 2 cells in line 3. Received: 4"),
    ],
)
def test_lines_that_cannot_be_believed_are_named(tmp_path, text, problem):
    rows = _read(tmp_path, text)
    rows["C"].require_sound()
    with pytest.raises(FileError, match=rf"1\.csv: {problem}"):
        rows["A"].require_sound()


def test_the_same_line_twice_does_no_harm(tmp_path):
    _read(tmp_path, ",code,vendor\n0,A,B\n1,A,B\n")["A"].require_sound()


def test_a_quote_that_does_not_close_is_named(tmp_path):
    with pytest.raises(
        FileError, match=r"1\.csv: expected a CSV .*Received: unexpected end of data, in line 4"
    ):
        _read(tmp_path, 'code,vendor\nA,"B\nC,D\nE,F\n')


def test_a_table_is_looked_for_above_where_there_is_none_below(tmp_path):
    root = tmp_path / "a" / "b" / "c"
    root.mkdir(parents=True)
    _read(tmp_path / "a", "code,vendor\nA,B\n")
    (root / "measures.csv").write_text('x,y\n1,"2\n')
    (root.parent / "empty.CSV").touch()
    rows, rejected = read_tables(root, "code", COLUMNS)
    assert rows["A"].table == tmp_path / "a" / "1.csv"
    assert [(table.problem, table.is_foreign) for table in rejected] == [
        ("measures.csv without code, vendor", True),
        ("empty.CSV without code, vendor", False),
    ]
    (root / "own.csv").write_text("code,vendor\nC,D\n")
    assert list(_rows(root)) == ["C"]


def test_missing_columns_are_named(tmp_path):
    (tmp_path / "1.csv").write_text("code;age\nA;50\n")
    ((rejected,),) = read_tables(tmp_path, "code", COLUMNS)[1:]
    assert (rejected.problem, rejected.is_foreign) == ("1.csv without vendor", False)


@pytest.mark.parametrize("header", ['"code,vendor"', "Code of the subject,age", "age,vendor"])
def test_a_table_that_has_something_of_what_is_looked_for_is_not_foreign(tmp_path, header):
    (tmp_path / "1.csv").write_text(f"{header}\n1,2\n")
    rows, (rejected,) = read_tables(tmp_path, "code", COLUMNS)
    assert (rows, rejected.is_foreign) == ({}, False)


def test_a_data_set_right_below_the_root_of_the_disk_has_tables(tmp_path, monkeypatch):
    (tmp_path / "1.csv").write_text("code,vendor\nA,B\n")
    monkeypatch.setattr(Path, "resolve", lambda self: Path("/data"))
    assert list(_rows(tmp_path)) == ["A"]


def test_a_folder_above_that_cannot_be_read_is_passed_over(tmp_path, monkeypatch):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "1.csv").write_text("code,vendor\nA,B\n")
    original = Path.iterdir

    def refuse(self):
        if self.name == "a":
            raise PermissionError(13, "Permission denied")
        return original(self)

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert list(_rows(tmp_path / "a" / "b")) == ["A"]


def test_what_is_no_file_is_not_waited_for(tmp_path):
    (tmp_path / "b").mkdir()
    os.mkfifo(tmp_path / "b" / "pipe.csv")
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    with pytest.raises(
        FileError, match=r"pipe\.csv: expected a CSV with a header line. Received: what is not a"
    ):
        _rows(tmp_path / "b")
    (tmp_path / "b" / "pipe.csv").unlink()
    _, (rejected,) = read_tables(tmp_path / "b", "code", COLUMNS)
    assert rejected.problem.startswith("zero.csv: expected a CSV")


def test_vendors_are_letters():
    assert known_vendor("C", Path("t.csv")) == ("C", ())
    vendor, (issue,) = known_vendor("Siemens", Path("t.csv"))
    assert (vendor, issue.level) == ("", "warning")
    assert "Siemens" not in issue.problem


@pytest.mark.parametrize(
    ("text", "pathology", "centre"),
    [("DCM", "DCM", "DCM"), ("1.0", "", "1"), ("1,0", "", "1"), ("DCM of John Doe", "", ""), ("", "", "")],
)
def test_only_abbreviations_are_carried_over(text, pathology, centre):
    assert (known_pathology(text), known_centre(text)) == (pathology, centre)


def test_a_column_that_is_there_twice_is_named(tmp_path):
    with pytest.raises(FileError, match=r"expected each column once\. Received: vendor twice"):
        _read(tmp_path, "code,vendor,vendor\nX,X,C\n")


@pytest.mark.parametrize(
    ("name", "letter"),
    [("Siemens", "A"), ("GE MEDICAL", "C"), ("Philips/Siemens", ""), ("Toshiba (Canon)", "D"), ("", "")],
)
def test_a_letter_stands_for_one_manufacturer(name, letter):
    assert vendor_letter(name) == letter
