import json
import sys

import pytest
from click.testing import CliRunner

import cmrtf
from cmrtf_cli.main import cli, main
from heart_double import heart_bundle


def test_a_cohort_is_made_as_it_was_asked_for(monkeypatch, tmp_path):
    monkeypatch.setattr(cmrtf, "load_bundle", lambda path: heart_bundle())
    wanted = ["--subjects", "1", "--vendor", "B", "--where", "EF<45 %, EDV>100 ml", "--seed", "5"]
    out = tmp_path / "Dataset502_Failing"
    arguments = ["generate", "--model", "bundle", *wanted, "--out", str(out), "--format", "nnunet"]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert f"Generated: 1 subjects in {out}" in result.output
    subject = json.loads((out / "provenance" / "SYN00001.json").read_text())
    assert (subject["vendor"], subject["pathology"], subject["seed"]) == ("B", "DCM", 5)
    assert subject["conditions"] == ["EF<45 %", "EDV>100 ml"]
    assert subject["measures"]["LV_EF_percent"] < 45
    assert subject["measures"]["LV_EDV_ml"] > 100


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"--where": "EDV=180"}, 2, "expected conditions such as 'EDV>180 ml, EF<35 %'"),
        ({"--subjects": "0"}, 2, "--subjects"),
        ({"--frames": "1"}, 2, "--frames"),
        ({"--format": "nnunet"}, 1, "such as Dataset501_Hearts"),
        ({"--style": "Z"}, 1, "style Z: expected an appearance ("),
        ({"--vendor": ""}, 1, "style vendor:: expected an appearance ("),
        ({"--style": "A", "--vendor": "A"}, 2, "expected --style or --vendor. Received: both"),
        ({"--workers": "2"}, 2, "Expected --beam with --workers. Received: --workers alone"),
        ({"--": "--runner=DirectRunner"}, 2, "Expected --beam with options of a pipeline"),
    ],
)
def test_what_cannot_be_made_is_one_message(story, monkeypatch, capsys, tmp_path, changes, code, message):
    settings = {"--model": story.bundle, "--subjects": 1, "--out": tmp_path / "out"} | changes
    arguments = [str(part) for pair in settings.items() for part in pair]
    monkeypatch.setattr(sys, "argv", ["cmrtf", "generate", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
