import hashlib
import json
import os
import shutil

import pytest

from cmrtf.cohort import build_subject
from cmrtf.cohort.build import prepare
from cmrtf.cohort.npz_store import subject_file
from folders import contents, names
from raw_data import write_acdc


def test_the_manifest_says_what_was_made(raw, out):
    built = prepare(raw, out, seed=7)
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["format"], manifest["version"]) == ("cmrtf-prepared-cohort", 2)
    assert (manifest["spacing_mm"], manifest["size"], manifest["seed"]) == (1.5, 128, 7)
    assert manifest["source_format"] == "acdc"
    assert manifest["label_schema"]["structures"] == ["background", "LV", "MYO", "RV"]
    assert [record.stack_flipped for record in built.cohort.records] == [True, True, False]
    codes = [f"patient{n:03d}" for n in range(1, 4)]
    assert list(manifest["subjects"][0])[:2] == ["subject", "vendor"]
    assert [record["subject"] for record in manifest["subjects"]] == codes
    stacks = [subject_file(out, record).name for record in built.cohort.records]
    assert names(out / "subjects") == sorted([*stacks, *(f"{code}.json" for code in codes)])
    assert names(out) == ["manifest.json", "subjects"]


def test_files_are_hashed_and_not_named(raw, out):
    built = prepare(raw, out)
    text = (out / "manifest.json").read_text()
    assert str(raw) not in text
    assert ".nii" not in text
    assert "/" not in text.replace('"M&Ms"', "")
    record = built.cohort.record("patient001")
    source = raw / "patient001" / "patient001_frame03_gt.nii.gz"
    assert record.source_sha256["ES label"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert record.file_sha256 == hashlib.sha256(subject_file(out, record).read_bytes()).hexdigest()
    roles = ["ED image", "ED label", "ES image", "ES label"]
    assert sorted(record.source_sha256) == sorted([*roles, *(f"{role} voxels" for role in roles)])


def test_the_same_command_makes_the_same_bytes(raw, out, tmp_path):
    prepare(raw, out, workers=3)
    prepare(raw, tmp_path / "again", workers=1)
    assert len(contents(out)) == 1 + 2 * 3
    assert contents(out) == contents(tmp_path / "again")


def test_only_what_changed_is_prepared_again(raw, out, tmp_path):
    prepare(raw, out)
    shutil.rmtree(raw / "patient001")
    (raw / "patient002" / "Info.cfg").write_text("ED: 1\nES: 3\nGroup: HCM\n")
    write_acdc(raw, "patient004", apex_first=True)
    (out / "subjects" / "of nobody.npz").touch()
    built = prepare(raw, out, exclude=("patient001",))
    assert built.num_unchanged == 1
    assert built.cohort.codes() == ("patient002", "patient003", "patient004")
    assert built.cohort.record("patient002").pathology == "HCM"
    fresh = prepare(raw, tmp_path / "fresh").cohort
    assert names(out / "subjects") == names(tmp_path / "fresh" / "subjects")
    for subject in fresh.codes():
        assert built.cohort.record(subject).file_sha256 == fresh.record(subject).file_sha256


def test_a_changed_file_of_the_same_size_and_date_is_noticed(raw, out):
    """Synchronised copies keep dates."""
    gzipped = raw / "patient001" / "patient001_frame01_gt.nii.gz"
    date = gzipped.stat().st_mtime_ns
    content = gzipped.read_bytes()
    before = prepare(raw, out).cohort
    changed = bytearray(content)
    changed[4] ^= 1  # the date in the header of gzip, which nothing reads
    gzipped.write_bytes(changed)
    os.utime(gzipped, ns=(date, date))
    built = prepare(raw, out)
    assert built.num_unchanged == 2
    assert built.cohort.data_hash == before.data_hash
    assert built.cohort.record("patient001").source_sha256 != before.record("patient001").source_sha256


@pytest.mark.parametrize("damage", ["stacks", "note", "older version"])
def test_what_cannot_be_kept_is_made_again(raw, out, monkeypatch, damage):
    built = prepare(raw, out)
    before = contents(out)
    if damage == "older version":
        monkeypatch.setattr(build_subject, "PREPARATION_VERSION", 0)
    else:
        stacks = subject_file(out, built.cohort.record("patient002"))
        (stacks if damage == "stacks" else out / "subjects" / "patient002.json").write_text("{}")
    assert prepare(raw, out).num_unchanged == (0 if damage == "older version" else 2)
    if damage != "older version":
        assert contents(out) == before


def test_the_manifest_is_indented_by_one_but_for_a_line_per_subject(raw, out):
    prepare(raw, out)
    text = (out / "manifest.json").read_text()
    manifest = json.loads(text)
    subjects, warnings, checksum = (manifest.pop(name) for name in ("subjects", "warnings", "checksum"))
    entries = json.dumps(manifest, indent=1)[:-2]
    lines = ",\n ".join(map(json.dumps, subjects))
    assert text == (
        f'{entries},\n "subjects": [\n {lines}\n ],\n "warnings": {json.dumps(warnings)},\n'
        f' "checksum": "{checksum}"\n}}\n'
    )
