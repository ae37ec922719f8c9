import csv
import json
import sys

import pytest
from click.testing import CliRunner

from cmrtf.data.cohort import PreparedCohort
from cmrtf_cli.main import cli, main


@pytest.fixture(scope="module")
def subject(story):
    """One of those that the bundle was trained on."""
    return PreparedCohort.open(story.prepared).subjects("train")[0]


def test_a_subject_is_remodelled(story, subject, tmp_path):
    out = tmp_path / "out"
    arguments = ["remodel", "--model", str(story.bundle), "--data", str(story.prepared), "--out", str(out)]
    wanted = ["--subject", subject, "--target", "EDV=200 ml, EF=30 %", "--steps", "1"]
    result = CliRunner().invoke(cli, [*arguments, *wanted], catch_exceptions=False)
    print(result.output)
    assert result.exit_code == 0
    print(sorted(str(p.relative_to(out)) for p in out.rglob("*")))
    print((out / "provenance.json").read_text()[:3000])
    print((out / "measures.csv").read_text())
    assert 0
