import json
import subprocess
import sys

from click.testing import CliRunner

import cmrtf
from cmrtf_cli.main import cli
from prepared_cohort import write_cohort


def _run(*arguments):
    result = CliRunner().invoke(cli, ["info", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_text_and_json_say_the_same(tmp_path):
    cohort = write_cohort(tmp_path / "prepared")
    said = json.loads(_run(cohort, "--json"))
    assert said == json.loads(json.dumps(cmrtf.info(cohort).to_dict()))
    lines = _run(cohort).splitlines()
    assert lines[0] == f"{cohort}: prepared cohort"
    facts = [line.split(maxsplit=1) for line in lines]
    assert ["data_hash", said["data_hash"]] in facts
    assert ["vendor", "A 2, B 1"] in facts


def test_it_needs_no_tensorflow(tmp_path):
    code = """
import sys
from cmrtf_cli.main import cli
cli(["info", sys.argv[1]], standalone_mode=False)
sys.exit("tensorflow" in sys.modules or "keras" in sys.modules)
"""
    cohort = write_cohort(tmp_path / "prepared")
    subprocess.run([sys.executable, "-c", code, cohort], check=True, stdout=subprocess.DEVNULL)
