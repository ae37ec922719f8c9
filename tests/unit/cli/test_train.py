import pytest
from click.testing import CliRunner

import cmrtf
from cmrtf.errors import CmrtfError
from cmrtf_cli.main import cli


@pytest.fixture
def asked(monkeypatch):
    """What the commands ask of the API."""
    calls = {}
    for name in ("train_vae", "train_gan"):
        monkeypatch.setattr(
            cmrtf, name, lambda *paths, name=name, **rest: calls.update({name: (paths, rest)}), raising=False
        )
    return calls


@pytest.mark.parametrize(("command", "function"), [("train-vae", "train_vae"), ("train-gan", "train_gan")])
def test_nothing_but_the_run_is_needed_to_go_on(asked, command, function, tmp_path):
    arguments = ["--run", str(tmp_path / "run"), "--resume", "--set", "steps=20", "--set", "widths=[4, 8]"]
    assert CliRunner().invoke(cli, [command, *arguments]).exit_code == 0
    (prepared, run), rest = asked[function]
    assert (prepared, run) == (None, tmp_path / "run")
    assert rest == {
        "preset": None,
        "settings": {"steps": 20, "widths": [4, 8]},
        "steps": None,
        "seed": None,
        "resume": True,
        "deterministic": False,
    }


def test_what_is_no_assignment_is_wrong_usage(tmp_path):
    result = CliRunner().invoke(cli, ["train-vae", "--run", str(tmp_path / "run"), "--set", "steps"])
    assert result.exit_code == 2
    assert "Invalid value for '--set': expected name=value" in result.output


def test_without_a_run_a_cohort_is_needed(tmp_path):
    result = CliRunner().invoke(cli, ["train-vae", "--run", str(tmp_path / "run")])
    assert isinstance(result.exception, CmrtfError)
    assert "expected a prepared cohort, or a run to continue" in str(result.exception)
