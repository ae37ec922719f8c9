import json

import pytest
from click.testing import CliRunner

from cmrtf_cli.main import cli


def _run(*arguments):
    return CliRunner().invoke(cli, ["check", *map(str, arguments)])


@pytest.fixture
def spoilt(story, tmp_path):
    """The phantom cohort, of which one subject has lost its label."""
    for path in story.raw.iterdir():
        (tmp_path / path.name).symlink_to(path)
    lost = min(path for path in tmp_path.iterdir() if path.is_dir())
    label = next(lost.glob("*_gt.nii.gz"))
    others = [path.resolve() for path in lost.iterdir() if path != label]
    lost.unlink()
    lost.mkdir()
    for path in others:
        (lost / path.name).symlink_to(path)
    return tmp_path, lost.name


def test_a_good_cohort_is_exit_code_0(story):
    result = _run(story.raw)
    assert result.exit_code == 0, result.output
    summary = dict(line.split(maxsplit=1) for line in result.stdout.splitlines()[-9:])
    assert summary["format"] == "mnms"
    assert summary["subjects"] == "4 of 4 can be used"
    assert summary["vendors"] == "A 2, B 2"
    assert summary["phases"] == "ED 4, ES 4"
    assert summary["Errors:"].startswith("0. Warnings: ")


def test_an_error_is_in_the_table_and_exit_code_1(spoilt):
    folder, code = spoilt
    result = _run(folder)
    assert result.exit_code == 1
    row = next(line for line in result.stdout.splitlines() if line.startswith("error"))
    assert row.split()[:2] == ["error", f"{code}/{code}_sa.nii.gz"]
    assert f"expected the label {code}_sa_gt.nii.gz beside it" in row
    assert "3 of 4 can be used" in result.stdout


def test_json_says_the_same(spoilt):
    folder, code = spoilt
    result = _run(folder, "--json")
    assert result.exit_code == 1
    said = json.loads(result.stdout)
    assert (said["summary"]["subjects"], said["summary"]["usable"]) == (4, 3)
    errors = [issue for issue in said["findings"] if issue["level"] == "error"]
    assert [(each["subject"], each["file"]) for each in errors] == [(code, f"{code}/{code}_sa.nii.gz")]
    links = {each["file"] for each in said["findings"] if "a link that leads out" in each["problem"]}
    assert len(links) == 6
