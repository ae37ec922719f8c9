import hashlib
import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from cmrtf.errors import CmrtfError
from cmrtf.report.provenance import complete_provenance, with_facts, write_provenance
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


def test_the_caller_adds_facts_and_says_what_only_it_knows():
    facts = {"data_hash": "ab", "seed": 3, "note": ["x", None, 0.5], "file": Path("/home/jane/a.nii")}
    provenance = with_facts({"data_hash": None, "seed": 0, "slices": 32}, facts)
    assert provenance == {**facts, "slices": 32, "file": "a.nii"}


@pytest.mark.parametrize("name", ["synthetic", "created_utc", "outputs_sha256", "slices"])
def test_what_cmrtf_says_itself_is_not_the_callers_to_say(name):
    with pytest.raises(CmrtfError, match=rf"facts: expected other names .*Received: {name}\."):
        with_facts({"slices": 32}, {name: 1})


IN_A_CIRCLE = {}
IN_A_CIRCLE["x"] = IN_A_CIRCLE


@pytest.mark.parametrize(
    "value", [float("nan"), {1, 2}, np.float32(1), b"x", "\ud800", {(1, 2): 3}, IN_A_CIRCLE]
)
def test_facts_are_what_json_can_hold(value):
    with pytest.raises(CmrtfError, match=r"facts: expected what JSON can hold: .*Received: "):
        with_facts({}, {"note": value})


@pytest.mark.parametrize("facts", [None, "x", ["x"], {1: 2}])
def test_facts_have_names(facts):
    with pytest.raises(CmrtfError, match=r"facts: expected values by name, .*Received: "):
        with_facts({}, facts)
