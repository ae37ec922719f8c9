import csv
import json
import shutil
import subprocess

import pytest

from cmrtf.datasets.bids import LAYOUT
from folders import names
from generated_subjects import CODES, generated_subject, provenance_of, write_subjects


@pytest.fixture
def root(tmp_path):
    write_subjects(LAYOUT, tmp_path / "generated")
    return tmp_path / "generated"


def test_each_volume_has_a_sidecar(root):
    files = names(root / "sub-SYN00001" / "anat")
    volumes = {name.removesuffix(".nii.gz") for name in files if name.endswith(".nii.gz")}
    assert volumes == {
        f"sub-SYN00001_desc-{phase}_{suffix}" for phase in ("ED", "ES") for suffix in ("T2w", "dseg")
    }
    assert {name.removesuffix(".json") for name in files if name.endswith(".json")} == volumes


def test_there_is_a_table_of_participants(root):
    with (root / "participants.tsv").open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert [row["participant_id"] for row in rows] == [f"sub-{code}" for code in CODES]
    assert set(rows[0]) == {"participant_id", *json.loads((root / "participants.json").read_text())}
    for code, row in zip(CODES, rows, strict=True):
        measures = generated_subject(code).measures()
        assert (row["vendor"], row["centre"], row["pathology"]) == ("B", "2", "DCM")
        assert float(row["LV_EDV_ml"]) == pytest.approx(measures["LV_EDV_ml"], abs=0.01)


def test_what_a_spreadsheet_would_compute_is_quoted(root):
    subject = provenance_of(generated_subject("SYN00001"))
    LAYOUT.complete(root, [subject | {"vendor": "=1+1", "pathology": "@SUM(A1)", "centre": "-2\x1b"}])
    with (root / "participants.tsv").open(newline="") as stream:
        (row,) = csv.DictReader(stream, delimiter="\t")
    assert (row["vendor"], row["pathology"], row["centre"]) == ("'=1+1", "'@SUM(A1)", "'-2\\x1b")
    assert float(row["LV_EDV_ml"]) == pytest.approx(subject["measures"]["LV_EDV_ml"], abs=0.01)


def test_labels_have_a_table_of_names_and_colours(root):
    lines = (root / "dseg.tsv").read_text().splitlines()
    assert lines[:2] == ["index\tname\tcolor", "0\tbackground\t#000000"]
    assert [line.split("\t")[1] for line in lines[1:]] == ["background", "LV", "MYO", "RV"]


def test_provenance_is_no_part_of_bids(root):
    assert (root / ".bidsignore").read_text() == "provenance\n"


@pytest.mark.skipif(not shutil.which("bids-validator-deno"), reason="bids-validator-deno is not installed")
def test_the_validator_of_bids_passes(root):
    command = ["bids-validator-deno", "--format", "json", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert not [issue for issue in issues if issue["severity"] == "error"]
    assert done.returncode == 0
