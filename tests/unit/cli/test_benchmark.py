import pytest
from click.testing import CliRunner

import cmrtf
from cmrtf.cohort.cohort import PreparedCohort
from cmrtf_cli.main import cli
from cmrtf_export.bundle_trainer import BundleTrainer
from prepared_cohort import write_cohort


@pytest.fixture
def asked(monkeypatch):
    """What the command asks of the API."""
    calls = []
    monkeypatch.setattr(
        cmrtf, "benchmark", lambda *arguments, **rest: calls.append((arguments, rest)), raising=False
    )
    return calls


@pytest.fixture
def prepared(tmp_path):
    return write_cohort(tmp_path / "prepared")


def _invoke(prepared, out, *options):
    arguments = ["benchmark", "--data", str(prepared), "--out", str(out), *options]
    return CliRunner().invoke(cli, arguments)


def test_without_options_it_is_all_arms_with_all_numbers_of_patients(asked, prepared, tmp_path):
    result = _invoke(prepared, tmp_path / "out")
    assert result.exit_code == 0, result.output
    ((cohort, out, networks), rest) = asked[0]
    assert isinstance(cohort, PreparedCohort)
    assert (out, networks) == (tmp_path / "out", BundleTrainer("cpu"))
    assert rest == {"folds": 2, "seeds": 3, "training_steps": 1200, "num_synthetic": 40, "progress": True}
    assert "report.html in a browser" in result.output


def test_options_are_passed_on(asked, prepared, tmp_path):
    options = ["--patients", "5", "--patients", "10", "--arm", "real", "--arm", "ours", "--unseen", "other"]
    _invoke(prepared, tmp_path / "out", *options, "--preset", "demo", "--walks", "7")
    ((_, _, networks), rest) = asked[0]
    assert networks.preset == "demo"
    assert (rest["patients"], rest["arms"]) == ((5, 10), ("real", "ours"))
    assert [str(path) for path in rest["unseen"]] == ["other"]
    assert rest["num_synthetic"] == 7


def test_a_preset_that_is_none_is_named_before_the_work(asked, prepared, tmp_path):
    result = _invoke(prepared, tmp_path / "out", "--preset", "none-such")
    assert result.exit_code == 1
    assert not asked
    assert not (tmp_path / "out").exists()
