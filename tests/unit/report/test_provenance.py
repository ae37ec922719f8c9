import hashlib
import json
from datetime import datetime
from pathlib import Path

from cmrtf.report.provenance import complete_provenance, write_provenance
from cmrtf.version import __version__


def test_says_what_is_true_of_every_run():
    facts = complete_provenance({"seed": 3})
    assert facts["synthetic"] is True
    assert facts["cmrtf_version"] == __version__
    assert facts["label_order"] == {0: "background", 1: "LV", 2: "MYO", 3: "RV"}
    assert datetime.fromisoformat(facts["created_utc"]).utcoffset().total_seconds() == 0
    assert facts["seed"] == 3


def test_absolute_paths_lose_their_folders():
    given = {
        "bundle": Path("/home/jane/models/bundle"),
        "sources": [{"file": "/data/jane/a.nii.gz"}],
        "server": "grpc://host:8500",
    }
    facts = complete_provenance(given)
    assert facts["bundle"] == "bundle"
    assert facts["sources"] == [{"file": "a.nii.gz"}]
    assert facts["server"] == "grpc://host:8500"


def test_lists_every_other_file_with_its_hash(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_text("a")
    (tmp_path / "b.txt").write_text("b")
    write_provenance(tmp_path / "provenance.json", {"synthetic": True}, tmp_path)
    written = json.loads((tmp_path / "provenance.json").read_text())
    assert list(written["outputs_sha256"]) == ["b.txt", "sub/a.txt"]
    assert written["outputs_sha256"]["sub/a.txt"] == hashlib.sha256(b"a").hexdigest()
