import csv
from dataclasses import replace

import pytest
from click.testing import CliRunner

import cmrtf
from cmrtf.core.nifti import read_nifti
from cmrtf_cli.main import cli
from heart_double import heart_bundle


class Cohort(dict):
    """Of one patient with both phases, and one without ES."""

    data_hash = "0" * 16


@pytest.fixture
def interpolate(monkeypatch, tmp_path):
    """Runs the command on a bundle that needs no training."""
    patient = replace(heart_bundle().generate(1)[0], name="P1", kind="source")
    cohort = Cohort(P1=patient, P2=replace(patient, name="P2", stacks={"ED": patient.ed}))
    monkeypatch.setattr(cmrtf, "load_bundle", lambda path: heart_bundle())
    monkeypatch.setattr(cmrtf, "open_cohort", lambda path: cohort)

    def run(code, *options):
        out = tmp_path / "out"
        arguments = [
            "--model",
            "bundle",
            "--data",
            "prepared",
            "--subject-a",
            code,
            "--out",
            str(out),
            *options,
        ]
        return CliRunner().invoke(cli, ["interpolate", *arguments]), out

    return run


def test_a_beat_is_written_beside_the_phases(interpolate):
    result, out = interpolate("P1", "--slices", "6", "--frames", "4")
    assert result.exit_code == 0, result.output
    for name in ("image", "label"):
        assert read_nifti(out / "intra_P1_cine" / f"{name}.nii.gz").data.shape == (128, 128, 6, 4)
    with (out / "cine.csv").open() as stream:
        assert [line["phase"] for line in csv.DictReader(stream)] == ["ED", "", "ES", ""]


def test_without_frames_there_is_no_beat(interpolate):
    result, out = interpolate("P1", "--slices", "6")
    assert result.exit_code == 0, result.output
    assert not (out / "cine.csv").exists()
    assert not (out / "intra_P1_cine").exists()


@pytest.mark.parametrize(("code", "options"), [("P2", ()), ("P1", ("--phase", "ED"))])
def test_a_beat_of_one_phase_is_refused(interpolate, code, options):
    result, out = interpolate(code, "--frames", "4", *options)
    assert result.exit_code == 1
    assert "expected ED and ES of every subject" in str(result.exception)
    assert not out.exists()
