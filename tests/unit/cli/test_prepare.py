import os
import signal
import time

import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner

from cmrtf.cohort import build_npz
from cmrtf.datasets.layouts import READERS
from cmrtf.errors import CmrtfError
from cmrtf_cli.main import cli


@pytest.fixture
def raw(tmp_path):
    """Four small ACDC patients, base first."""
    x, y, z = np.indices((30, 30, 4))
    for number, patient in enumerate(("patient001", "patient002", "patient003", "patient004")):
        folder = tmp_path / "raw" / patient
        folder.mkdir(parents=True)
        (folder / "Info.cfg").write_text("ED: 1\nES: 2\nGroup: NOR\n")
        noise = np.random.default_rng(number).integers(0, 9, x.shape, np.uint8)
        for frame, size in (("frame01", 8), ("frame02", 7)):
            radius = np.hypot(x - 15, y - 15) / (size - 1.5 * z)
            structures = [radius < 0.6, radius < 1, (radius < 1.4) & (x < 15)]
            label_ids = np.select(structures, [3, 2, 1], 0).astype(np.uint8)
            label_ids[tuple(np.argwhere(label_ids == 1)[number])] = 0  # no two hearts are one
            affine = np.diag([2.0, 2.0, 10.0, 1.0])
            nib.save(nib.Nifti1Image(label_ids, affine), folder / f"{patient}_{frame}_gt.nii.gz")
            nib.save(
                nib.Nifti1Image(label_ids * np.uint8(50) + 10 + noise, affine),
                folder / f"{patient}_{frame}.nii.gz",
            )
    return tmp_path / "raw"


def _run(*arguments):
    return CliRunner().invoke(cli, ["prepare", *map(str, arguments)])


def test_it_prepares_and_sums_up(raw, tmp_path):
    result = _run(raw, tmp_path / "prepared", "--validation-fraction", "0.5", "--workers", "2")
    assert result.exit_code == 0, result.output
    assert "Prepared 4 subjects (acdc)" in result.output
    summary = [line.split() for line in result.output.splitlines()]
    assert ["all", "subjects", "2", "2"] in summary
    assert ["vendor", "A", "2", "2"] in summary
    assert ["pathology", "NOR", "2", "2"] in summary
    turned = "Warning, 4 of 4: the stack runs from base to apex; it is turned round: patient001, "
    assert turned in result.output
    assert f"Next: cmrtf train-vae {tmp_path / 'prepared'}" in result.output


def test_skipped_subjects_are_listed(raw, tmp_path):
    (raw / "testing").mkdir()
    (raw / "patient004").rename(raw / "testing" / "patient004")
    for path in (raw / "testing" / "patient004").glob("*_gt.nii.gz"):
        path.unlink()
    result = _run(raw, tmp_path / "prepared")
    assert "Skipped 1, test patient without labels: patient004." in result.output


def test_who_is_left_out_is_listed(raw, tmp_path):
    (raw / "patient003" / "patient003_frame01.nii.gz").unlink()
    refused = _run(raw, tmp_path / "prepared", "--exclude", "patient001")
    assert "leave out who cannot be used with --skip-unusable or --exclude CODE" in str(refused.exception)
    result = _run(raw, tmp_path / "prepared", "--exclude", "patient001", "--skip-unusable")
    assert result.exit_code == 0, result.output
    assert "Skipped 1, excluded: patient001." in result.output
    assert "Skipped 1, cannot be used: patient003.\n  - " in result.output
    assert _run(raw, tmp_path / "two", "--exclude=patient001", "--exclude=patient003").exit_code == 0


def test_the_same_command_again_keeps_what_is_there(raw, tmp_path):
    assert "there already" not in _run(raw, tmp_path / "prepared").output
    assert "4 of them were there already, unchanged." in _run(raw, tmp_path / "prepared").output


def test_a_folder_with_something_else_is_refused(raw, tmp_path):
    (tmp_path / "prepared").mkdir()
    (tmp_path / "prepared" / "manifest.json").write_text("{}")
    result = _run(raw, tmp_path / "prepared")
    assert isinstance(result.exception, CmrtfError)
    assert "Name another folder, or remove this one first" in str(result.exception)


def test_an_interruption_says_how_to_go_on(raw, tmp_path, monkeypatch):
    def interrupt(*_):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.3)  # in a thread that prepares; the main thread hears of it

    monkeypatch.setattr(build_npz, "build_subject", interrupt)
    result = _run(raw, tmp_path / "prepared", "--workers", "1")
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == (
        "Stopped by Ctrl-C. Subjects that are done stay: the same command goes on from there."
    )


@pytest.mark.parametrize("fraction", ["0", "1", "-0.1"])
def test_a_fraction_outside_0_to_1_is_a_usage_error(raw, tmp_path, fraction):
    assert _run(raw, tmp_path / "prepared", "--validation-fraction", fraction).exit_code == 2


def test_options_of_a_pipeline_without_beam_are_a_usage_error(raw, tmp_path):
    result = _run(raw, tmp_path / "prepared", "--", "--runner=DirectRunner")
    assert result.exit_code == 2
    assert "Expected --beam with options of a pipeline. Received: --runner=DirectRunner." in result.output


def test_help_shows_an_example_and_every_reader():
    text = _run("--help").output
    assert "Example: cmrtf prepare" in text
    choices = "".join(text.split()).split("--format[")[1].split("]")[0]
    assert choices == "|".join(["auto", *(reader.name for reader in READERS)])
