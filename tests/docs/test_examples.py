"""Every example runs, on a tiny bundle, and leaves what it says it does."""

import ast
import json
import re
import sys
from pathlib import Path

import matplotlib as mpl
import pytest

from documents import run_python

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))
NOTEBOOK = EXAMPLES / "notebook.ipynb"


@pytest.fixture
def demo(story, hearts_given, tmp_path) -> Path:
    """A folder like `demo/`."""
    (tmp_path / "bundle").symlink_to(story.bundle)
    (tmp_path / "prepared").symlink_to(story.prepared)
    return tmp_path


def run(script: str, demo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run a script, made tiny, with the folder as its argument; returns the folder of its outputs."""
    monkeypatch.setattr(sys, "argv", [script, str(demo)])
    run_python((EXAMPLES / script).read_text(encoding="utf-8"), script, {"__name__": "__main__"})
    return demo / "examples"


def code_cells() -> list[str]:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_interpolating_saves_a_report_and_a_heart_half_way(demo, monkeypatch, capsys):
    out = run("01_interpolate.py", demo, monkeypatch)
    said = capsys.readouterr().out
    assert len(re.findall(r"^inter_\d\d +intersubject +LV", said, re.MULTILINE)) == 2
    assert len(re.findall(r"^intra_\w+ +intrasubject +LV", said, re.MULTILINE)) == 2
    assert (out / "interpolated" / "report.html").is_file()
    assert (out / "interpolated" / "measures.csv").is_file()
    assert (out / "halfway.png").read_bytes().startswith(b"\x89PNG")


def test_generated_hearts_are_as_weak_as_was_asked_for(demo, monkeypatch, capsys):
    out = run("02_generate.py", demo, monkeypatch)
    fractions = re.findall(r"^SYN\d+ +EDV \d+ ml, EF (\d+) %$", capsys.readouterr().out, re.MULTILINE)
    assert len(fractions) == 2
    assert all(int(fraction) <= 45 for fraction in fractions)
    assert len(list((out / "Dataset501_Weak" / "labelsTr").iterdir())) == 4
    assert (out / "remodelled" / "report.html").is_file()


def test_labels_changed_by_hand_get_two_images(demo, monkeypatch, capsys):
    out = run("03_own_labels.py", demo, monkeypatch) / "thick_wall"
    before, now = re.search(r"Wall of \w+: (\d+) ml, now (\d+) ml", capsys.readouterr().out).groups()
    assert int(now) > int(before)
    assert (out / "ED_label.nii.gz").is_file()
    assert (out / "look_0.nii.gz").read_bytes() != (out / "look_1.nii.gz").read_bytes()


def test_the_notebook_runs_from_top_to_bottom(demo):
    mpl.use("agg")
    namespace = {"__name__": "__main__"}
    for number, code in enumerate(code_cells(), start=1):
        code = code.replace('Path("../demo")', f"Path({str(demo)!r})")
        run_python(code, f"notebook, code cell {number}", namespace)
        shown = ast.parse(code).body[-1]
        if isinstance(shown, ast.Expr) and isinstance(shown.value, (ast.Name, ast.Subscript)):
            assert "<" in eval(ast.unparse(shown), namespace)._repr_html_()
    assert (demo / "examples" / "from_notebook" / "report.html").is_file()


def test_the_notebook_holds_no_outputs():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]


def test_every_example_opens_with_command_time_and_expected_result():
    notebook = "".join(json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"][0]["source"])
    openings = {path.name: ast.get_docstring(ast.parse(path.read_text())) for path in SCRIPTS}
    assert len(openings) == 3
    for name, opening in (openings | {NOTEBOOK.name: notebook}).items():
        positions = [opening.find(word) for word in ("Command:", "Time:", "Expected:")]
        assert -1 not in positions, name
        assert positions == sorted(positions), name
        if name in openings:
            assert f"python examples/{name} demo" in opening
