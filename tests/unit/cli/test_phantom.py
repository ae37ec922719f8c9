import pytest
from click.testing import CliRunner

from cmrtf.errors import CmrtfError
from cmrtf_cli.commands.phantom import command


def test_it_writes_a_cohort_and_says_where(tmp_path):
    out = tmp_path / "phantom"
    result = CliRunner().invoke(command, [str(out), "--subjects", "1", "--frames", "2", "--seed", "5"])
    assert result.exit_code == 0, result.output
    assert f"Wrote 1 subjects to {out}" in result.output
    assert len(list(out.glob("*/*_sa_gt.nii.gz"))) == 1


def test_an_existing_cohort_is_not_overwritten(tmp_path):
    (tmp_path / "file").touch()
    result = CliRunner().invoke(command, [str(tmp_path)])
    assert isinstance(result.exception, CmrtfError)


@pytest.mark.parametrize("option", ["--subjects=0", "--frames=1", "--seed=-1"])
def test_impossible_numbers_are_usage_errors(tmp_path, option):
    result = CliRunner().invoke(command, [str(tmp_path / "out"), option])
    assert result.exit_code == 2
    assert option.split("=")[0] in result.output
