import pytest
from click.testing import CliRunner

import cmrtf
from cmrtf_cli.main import cli
from cmrtf_export.bundle_trainer import BundleTrainer


@pytest.fixture
def asked(monkeypatch):
    """What the command asks of the API."""
    calls = []
    monkeypatch.setattr(
        cmrtf, "adapt", lambda *arguments, **rest: calls.append((arguments, rest)), raising=False
    )
    return calls


def test_two_folders_are_passed_on(asked, tmp_path):
    arguments = ["adapt", "a", "b", "--out", str(tmp_path / "out"), "--vendor", "C", "--copies", "3"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    ((labelled, unlabelled, out, networks), rest) = asked[0]
    assert (str(labelled), str(unlabelled), out) == ("a", "b", tmp_path / "out")
    assert networks == BundleTrainer("cpu")
    assert rest == {"vendor": "C", "copies": 3, "training_steps": 1200, "progress": True}


def test_no_vendor_is_unknown(asked, tmp_path):
    CliRunner().invoke(cli, ["adapt", "a", "b", "--out", str(tmp_path / "out")])
    assert asked[0][1]["vendor"] == ""


@pytest.mark.parametrize("arguments", [["a"], ["a", "b", "--vendor", "X", "--out", "o"], ["a", "b"]])
def test_wrong_usage_is_exit_code_2(asked, arguments):
    assert CliRunner().invoke(cli, ["adapt", *arguments]).exit_code == 2
    assert not asked


def test_folders_without_data_are_named_and_nothing_is_written(tmp_path):
    (tmp_path / "b").mkdir()
    out = tmp_path / "out"
    result = CliRunner().invoke(cli, ["adapt", str(tmp_path), str(tmp_path / "b"), "--out", str(out)])
    assert result.exit_code == 1
    assert "expected NIfTI images or DICOM series below it" in str(result.exception or result.output)
    assert not out.exists()
