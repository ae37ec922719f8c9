import os
import shutil

import numpy as np
import pytest

from cmrtf.cohort import build_beam
from cmrtf.cohort.build import prepare
from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.errors import CmrtfError
from folders import contents, names
from raw_data import save, write_acdc

pytestmark = pytest.mark.slow


@pytest.fixture
def raw(tmp_path):
    """Five patients, so that the last is alone in its shard of two."""
    for number in range(1, 6):
        write_acdc(tmp_path / "raw", f"patient{number:03d}", apex_first=number == 3)
    return tmp_path / "raw"


def test_only_shards_with_changes_are_made_again(raw, out, one_process):
    before = prepare(raw, out, beam=True)
    assert before.num_unchanged == 0
    shards = contents(out / "shards")
    assert len(shards) == 2 * 3
    assert prepare(raw, out, beam=True).num_unchanged == 5
    assert contents(out / "shards") == shards
    shutil.rmtree(raw / "patient001")
    write_acdc(raw, "patient000")
    after = prepare(raw, out, beam=True, exclude=("patient001",))
    assert after.num_unchanged == 3  # patient002 has lost its companion
    assert len(contents(out / "shards").keys() & shards.keys()) == 2 * 2
    assert after.cohort.codes() == tuple(f"patient{number:03d}" for number in (0, 2, 3, 4, 5))
    assert set(before.cohort.codes("validation")) - {"patient001"} <= set(after.cohort.codes("validation"))


def test_a_run_that_ends_early_leaves_finished_shards(raw, out, one_process, monkeypatch):
    def stop_after_the_first(work, tasks, *_):
        work(tasks[0])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(build_beam, "run_on_beam", stop_after_the_first)
        with pytest.raises(KeyboardInterrupt):
            prepare(raw, out, beam=True)
    with pytest.raises(CmrtfError, match=r"manifest\.json: expected"):
        PreparedCohort.open(out)
    assert prepare(raw, out, beam=True).num_unchanged == 2
    assert names(out) == ["manifest.json", "shards"]
    assert {path.suffix for path in (out / "shards").iterdir()} == {".tfrecord", ".jsonl"}


def test_all_bad_subjects_are_named_and_there_is_no_cohort(raw, out, one_process):
    for number in (2, 5):
        label = raw / f"patient{number:03d}" / f"patient{number:03d}_frame01_gt.nii.gz"
        save(label, np.zeros((40, 44, 6), np.uint8))
    with pytest.raises(CmrtfError, match=r"2 of 5 subjects cannot be used:\n.*patient002_.*\n.*patient005_"):
        prepare(raw, out, beam=True)
    assert not (out / "manifest.json").exists()
    # There is no shard of the bad ones, nor a part of it.
    assert not [name for name in names(out / "shards") if "partial" in name]
    assert len(names(out / "shards")) == 3 + 2


def test_shards_are_made_again_without_those_that_cannot_be_used(raw, out, one_process, tmp_path):
    """One that lacks a file, one without a heart, and a copy that comes to light when its shard is made."""
    (raw / "patient001" / "patient001_frame01.nii.gz").unlink()
    save(raw / "patient004" / "patient004_frame01_gt.nii.gz", np.zeros((40, 44, 6), np.uint8))
    for path in (raw / "patient002").glob("*.nii.gz"):
        (raw / "patient003" / path.name.replace("002", "003")).write_bytes(path.read_bytes())
    built = prepare(raw, out, beam=True, skip_unusable=True)
    assert built.cohort.codes() == ("patient002", "patient005")
    assert list(built.problems) == ["patient001", "patient004", "patient003"]
    assert built.num_unchanged == 0
    assert prepare(raw, out, beam=True, skip_unusable=True).num_unchanged == 2
    in_files = prepare(raw, tmp_path / "files", skip_unusable=True)
    assert in_files.cohort.data_hash == built.cohort.data_hash
    assert in_files.skipped == built.skipped


def test_files_and_shards_take_each_others_place(raw, out, one_process):
    data_hash = prepare(raw, out, beam=True).cohort.data_hash
    assert prepare(raw, out).cohort.data_hash == data_hash
    assert names(out) == ["manifest.json", "subjects"]
    prepare(raw, out, beam=True)
    assert names(out) == ["manifest.json", "shards"]


@pytest.mark.parametrize("suffix", [".tfrecord", ".jsonl"])
def test_a_damaged_shard_is_made_again(raw, out, one_process, suffix):
    cohort = prepare(raw, out, beam=True).cohort
    undamaged = contents(out / "shards")
    os.truncate(out / "shards" / f"{cohort.storage.names[1]}{suffix}", 100)
    flipped = out / "shards" / f"{cohort.storage.names[0]}{suffix}"
    content = bytearray(flipped.read_bytes())
    content[100] ^= 1
    flipped.write_bytes(content)
    assert prepare(raw, out, beam=True).num_unchanged == 1
    assert contents(out / "shards") == undamaged


def test_beam_makes_the_same_shards(raw, out, tmp_path, one_process, monkeypatch):
    pytest.importorskip("apache_beam")
    prepare(raw, out, beam=True)
    monkeypatch.setattr(build_beam, "run_on_beam", one_process)
    prepare(raw, tmp_path / "by beam", workers=2, beam=True)
    assert contents(tmp_path / "by beam") == contents(out)
