import csv
import json
import re
import sys

import pytest

import cmrtf
from cmrtf_cli.main import main
from heart_double import heart_bundle
from prepared_cohort import write_cohort


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """S1 and S2, both NOR."""
    return write_cohort(tmp_path_factory.mktemp("remodel") / "prepared", 128, vendors=("A", "B"))


@pytest.fixture
def remodel(prepared, monkeypatch, tmp_path):
    """Runs the command on S1 with a bundle of `RingModels`; returns the exit code."""
    monkeypatch.setattr(cmrtf, "load_bundle", lambda path: heart_bundle())
    monkeypatch.setattr("cmrtf.bundle.contents.read_description", lambda path: {})

    def run(changes):
        settings = {"--model": "bundle", "--data": prepared, "--subject": "S1", "--out": tmp_path / "out"}
        arguments = [str(part) for pair in (settings | changes).items() for part in pair]
        monkeypatch.setattr(sys, "argv", ["cmrtf", "remodel", *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code

    return run


def test_a_subject_is_remodelled(remodel, capsys, tmp_path):
    wanted = {"--towards": "DCM", "--target": "EDV=200 ml, EF=30 %", "--steps": 1}
    assert remodel(wanted) == 0
    said = capsys.readouterr().out
    for start, target in (("EDV, ml", 200.0), ("ESV, ml", 140.0), ("EF, %", 30.0)):
        (line,) = [line for line in said.splitlines() if line.startswith(start)]
        before, now_wanted, reached = map(float, line.removeprefix(start).split()[:3])
        assert now_wanted == target
        assert reached == pytest.approx(target, rel=0.05)
        assert before != pytest.approx(target, rel=0.05)
    assert re.search(r"Slices that look like a heart: (\d+) of \1\.", said)
    out = tmp_path / "out"
    with (out / "measures.csv").open(newline="") as file:
        last = list(csv.DictReader(file))[-1]
    assert (last["subject"], last["kind"]) == ("step_01", "remodelled")
    assert float(last["LV_EDV_ml"]) == pytest.approx(200.0, rel=0.05)
    provenance = json.loads((out / "provenance.json").read_text())
    expected = {"subject": "S1", "towards": "DCM", "amount": 1.0, "steps": 1, "bundle_sha256": "0" * 64}
    assert provenance.items() >= (expected | {"targets": {"EDV": 200.0, "EF": 30.0}}).items()
    assert {path.name for path in out.glob("step_01_ES/*")} == {"image.nii.gz", "label.nii.gz"}


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({}, 2, "expected --towards PATHOLOGY, --target TARGETS, or both."),
        ({"--towards": ""}, 1, "expected one of the pathologies DCM, HCM, NOR. Received: ''."),
        ({"--target": "EDV>200"}, 2, "expected targets such as 'EDV=200 ml, EF=30 %'"),
        ({"--towards": "DCM", "--amount": 3}, 2, "--amount"),
        ({"--towards": "DCM", "--subject": "S9"}, 1, "expected one of its 2 subjects. Received: 'S9'"),
        ({"--target": "EDV=5000 ml"}, 1, "What is wanted is beyond its reach: ask for less"),
        ({"--towards": "MINF"}, 1, "expected one of the pathologies DCM, HCM, NOR. Received: 'MINF'"),
    ],
)
def test_what_cannot_be_done_is_one_message(remodel, capsys, tmp_path, changes, code, message):
    assert remodel(changes) == code
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_in_it_is_left_alone(remodel, capsys, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    assert remodel({"--towards": "DCM"}) == 1
    assert "out: expected a folder that does not exist yet, or an empty one" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]
