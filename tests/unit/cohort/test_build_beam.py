import importlib.util
import json
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf

from cmrtf.cohort import build_beam as shard_builder
from cmrtf.cohort.build import build_cohort
from cmrtf.cohort.build_beam import build_sharded_cohort
from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.cohort.shard_store import record_bytes
from cmrtf.errors import CmrtfError
from cmrtf.training.config import AugmentationConfig
from cmrtf.training.input_pipeline import Slices, image_batches, label_batches

SOME = AugmentationConfig(rotation_degrees=20, gamma=0.3)


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    """In place of Beam, which may not be installed: shards of two subjects, one after another."""
    run = shard_builder._run
    monkeypatch.setattr(shard_builder, "SUBJECTS_PER_SHARD", 2)
    monkeypatch.setattr(shard_builder, "_require_beam", lambda: None)
    monkeypatch.setattr(shard_builder, "_run", lambda tasks, _: list(map(shard_builder.build_shard, tasks)))
    return run


@pytest.fixture
def raw(tmp_path, write_acdc):
    """Five patients, so that the last is alone in its shard."""
    for number in range(1, 6):
        write_acdc(tmp_path / "raw", f"patient{number:03d}", apex_first=number == 3)
    return tmp_path / "raw"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "sharded"


@pytest.fixture
def both(raw, out, tmp_path):
    """The same patients in files and in shards."""
    return build_cohort(raw, tmp_path / "files").cohort, build_sharded_cohort(raw, out).cohort


def _shards(out):
    return {path.name: path.read_bytes() for path in (out / "shards").iterdir()}


def test_shards_hold_what_files_hold(both):
    files, shards = both
    assert shards.subjects() == files.subjects()
    assert shards.subjects("validation") == files.subjects("validation")
    assert shards.data_hash == files.data_hash
    assert [record.to_dict() for record in shards.records] == [record.to_dict() for record in files.records]
    assert [record.subject for record in shards.records[1:3]] == ["patient002", "patient003"]
    for subject in files.subjects():
        ours, theirs = shards.load(subject), files.load(subject)
        assert list(ours) == list(theirs)
        for phase, volume in theirs.items():
            np.testing.assert_array_equal(ours[phase].image, volume.image)
            np.testing.assert_array_equal(ours[phase].label_ids, volume.label_ids)
            assert ours[phase].image.dtype == np.float32
    with pytest.raises(CmrtfError, match=r"Received: 'patient01'. Did you mean: patient001"):
        shards.record("patient01")


def test_batches_from_shards_are_those_from_memory(both):
    """Bit by bit, neighbours included, wherever they start."""
    for make in (
        lambda cohort: label_batches(
            Slices.of_split(cohort, "train").labelled(), SOME, 5, range(2, 6), 3, 4, with_neighbours=True
        ),
        lambda cohort: image_batches(Slices.of_split(cohort, "train"), SOME, 5, range(2, 6), 3, 4, 6),
    ):
        expected, batches = map(make, both)
        assert batches.element_spec == expected.element_spec
        for ours, theirs in zip(batches.as_numpy_iterator(), expected.as_numpy_iterator(), strict=True):
            for name, values in theirs.items():
                np.testing.assert_array_equal(ours[name], values)


def test_a_shard_is_a_tfrecord_file_and_can_be_memory_mapped(both, out):
    _, cohort = both
    (name,) = [name for name in cohort.storage.names if _codes(out, name) == ["patient003", "patient004"]]
    path = out / "shards" / f"{name}.tfrecord"
    volumes = [volume for code in _codes(out, name) for volume in cohort.load(code).values()]
    images, labels = (
        np.concatenate([getattr(volume, part) for volume in volumes]) for part in ("image", "label_ids")
    )
    data = [record.numpy() for record in tf.data.TFRecordDataset(str(path))]  # which checks every checksum
    mapped = np.memmap(path, np.uint8, "r").reshape(-1, record_bytes(128))[:, 12:-4]
    assert [bytes(record) for record in mapped] == data
    read = np.stack([np.frombuffer(record[: 2 * 128**2], "<f2").reshape(128, 128) for record in data])
    np.testing.assert_array_equal(read, images)
    read = np.stack([np.frombuffer(record[2 * 128**2 :], np.uint8).reshape(128, 128) for record in data])
    np.testing.assert_array_equal(read, labels)


def _codes(out, name):
    lines = (out / "shards" / f"{name}.jsonl").read_text().splitlines()
    return [json.loads(line)["record"]["subject"] for line in lines]


def test_only_shards_with_changes_are_made_again(raw, out, write_acdc):
    before = build_sharded_cohort(raw, out)
    assert before.kept == 0
    files = _shards(out)
    assert len(files) == 2 * 3
    assert build_sharded_cohort(raw, out).kept == 5
    assert _shards(out) == files
    shutil.rmtree(raw / "patient001")
    write_acdc(raw, "patient000")
    after = build_sharded_cohort(raw, out)
    assert after.kept == 3  # patient002 has lost its companion
    assert len(_shards(out).keys() & files.keys()) == 2 * 2
    assert after.cohort.subjects() == tuple(f"patient{number:03d}" for number in (0, 2, 3, 4, 5))
    assert set(before.cohort.subjects("validation")) - {"patient001"} <= set(
        after.cohort.subjects("validation")
    )


def test_a_run_that_ends_early_leaves_finished_shards(raw, out, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(shard_builder, "_run", lambda tasks, _: [shard_builder.build_shard(tasks[0]), 1 // 0])
        with pytest.raises(ZeroDivisionError):
            build_sharded_cohort(raw, out)
    with pytest.raises(CmrtfError, match=r"manifest\.json: expected"):
        PreparedCohort.open(out)
    assert build_sharded_cohort(raw, out).kept == 2
    assert sorted(path.name for path in out.iterdir()) == ["manifest.json", "shards"]
    assert {path.suffix for path in (out / "shards").iterdir()} == {".tfrecord", ".jsonl"}


def test_all_bad_subjects_are_named_and_there_is_no_cohort(raw, out, save):
    for number in (2, 5):
        save(
            raw / f"patient{number:03d}" / f"patient{number:03d}_frame01_gt.nii.gz",
            np.zeros((40, 44, 6), "u1"),
        )
    with pytest.raises(CmrtfError, match=r"2 of 5 subjects cannot be used:\n.*patient002_.*\n.*patient005_"):
        build_sharded_cohort(raw, out)
    assert not (out / "manifest.json").exists()


def test_files_and_shards_take_each_others_place(raw, out):
    data_hash = build_sharded_cohort(raw, out).cohort.data_hash
    assert build_cohort(raw, out).cohort.data_hash == data_hash
    assert sorted(path.name for path in out.iterdir()) == ["manifest.json", "subjects"]
    build_sharded_cohort(raw, out)
    assert sorted(path.name for path in out.iterdir()) == ["manifest.json", "shards"]


@pytest.mark.parametrize(
    ("suffix", "message"),
    [
        (".tfrecord", r"expected \d+ slices of 128 x 128, \d+ bytes\. Received: 100 bytes"),
        (".jsonl", "expected the subjects of a shard"),
    ],
)
def test_a_damaged_shard_is_named_and_made_again(raw, out, suffix, message):
    cohort = build_sharded_cohort(raw, out).cohort
    undamaged = _shards(out)
    path = out / "shards" / f"{cohort.storage.names[1]}{suffix}"
    os.truncate(path, 100)
    with pytest.raises(CmrtfError, match=rf"{path.name}: {message}"):
        PreparedCohort.open(out)
    assert build_sharded_cohort(raw, out).kept == 3
    assert _shards(out) == undamaged


def test_a_shard_that_is_damaged_under_way_is_named(raw, out):
    cohort = build_sharded_cohort(raw, out).cohort
    path = out / "shards" / f"{cohort.storage.names[0]}.tfrecord"
    os.truncate(path, record_bytes(128))
    with pytest.raises(CmrtfError, match=r"\.tfrecord: expected 32768 bytes from byte 49180\. Received: 0\."):
        cohort.load("patient001")
    path.unlink()
    with pytest.raises(
        CmrtfError, match=r"\.tfrecord: expected to be able to read it\. Received: No such file"
    ):
        cohort.load("patient001")


def test_without_beam_it_says_how_to_get_it(raw, out, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(CmrtfError, match=r"pip install 'cmrtf\[beam\]'"):
        build_sharded_cohort(raw, out)
    assert not out.exists()


def test_beam_makes_the_same_shards(raw, out, tmp_path, one_process, monkeypatch):
    pytest.importorskip("apache_beam")
    build_sharded_cohort(raw, out)
    monkeypatch.setattr(shard_builder, "_run", one_process)
    build_sharded_cohort(raw, tmp_path / "by beam", workers=2)
    assert _shards(tmp_path / "by beam") == _shards(out)
    assert (tmp_path / "by beam" / "manifest.json").read_bytes() == (out / "manifest.json").read_bytes()
