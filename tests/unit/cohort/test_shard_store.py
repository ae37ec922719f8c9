import json
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf

from cmrtf.cohort.build import prepare
from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.cohort.shard_format import record_bytes
from cmrtf.core.json_files import with_checksum
from cmrtf.errors import CmrtfError
from cmrtf.training.config import AugmentationConfig
from cmrtf.training.input_pipeline import Slices, image_batches, label_batches
from raw_data import write_acdc

AUGMENTATION = AugmentationConfig(rotation_degrees=20, gamma=0.3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, one_process):
    """Five patients in `files` and in `shards`, where the last is alone in its shard: to read only."""
    folder = tmp_path_factory.mktemp("cohorts")
    for number in range(1, 6):
        write_acdc(folder / "raw", f"patient{number:03d}", apex_first=number == 3)
    prepare(folder / "raw", folder / "files")
    prepare(folder / "raw", folder / "shards", beam=True)
    return folder


@pytest.fixture(scope="module")
def files(folder):
    return PreparedCohort.open(folder / "files")


@pytest.fixture(scope="module")
def shards(folder):
    return PreparedCohort.open(folder / "shards")


def test_shards_hold_what_files_hold(files, shards):
    assert shards.codes() == files.codes()
    assert shards.codes("validation") == files.codes("validation")
    assert shards.data_hash == files.data_hash
    assert [record.to_dict() for record in shards.records] == [record.to_dict() for record in files.records]
    assert [record.subject for record in shards.records[1:3]] == ["patient002", "patient003"]
    for code in files:
        ours, theirs = shards[code].stacks, files[code].stacks
        assert list(ours) == list(theirs)
        for phase, stack in theirs.items():
            np.testing.assert_array_equal(ours[phase].image, stack.image)
            np.testing.assert_array_equal(ours[phase].label_ids, stack.label_ids)
            assert ours[phase].image.dtype == np.float32
    with pytest.raises(CmrtfError, match=r"Received: 'patient01'. Did you mean: patient001"):
        shards.record("patient01")


def test_slices_of_a_split_are_those_of_files(files, shards):
    images, labels, stacks = shards.slices("train")
    expected_images, expected_labels, expected_stacks = files.slices("train")
    np.testing.assert_array_equal(images[np.arange(len(images))], expected_images)
    np.testing.assert_array_equal(labels[np.arange(len(labels))], expected_labels)
    np.testing.assert_array_equal(labels.any(axis=(1, 2)), expected_labels.any(axis=(1, 2)))
    np.testing.assert_array_equal(stacks, expected_stacks)


@pytest.mark.parametrize("kind", ["labels", "images"])
def test_batches_from_shards_are_those_from_memory(files, shards, kind):
    """Bit by bit, neighbours included, wherever they start."""

    def batches(cohort):
        slices = Slices.of_split(cohort, "train")
        if kind == "images":
            return image_batches(slices, AUGMENTATION, 5, range(2, 6), 3, 4, 6)
        return label_batches(slices.labelled(), AUGMENTATION, 5, range(2, 6), 3, 4, with_neighbours=True)

    received, expected = batches(shards), batches(files)
    assert received.element_spec == expected.element_spec
    for ours, theirs in zip(received.as_numpy_iterator(), expected.as_numpy_iterator(), strict=True):
        for name, values in theirs.items():
            np.testing.assert_array_equal(ours[name], values)


def test_a_shard_is_a_tfrecord_file_and_can_be_memory_mapped(folder, shards):
    codes = ["patient003", "patient004"]
    (name,) = [name for name in shards.storage.names if _codes(folder / "shards", name) == codes]
    path = folder / "shards" / "shards" / f"{name}.tfrecord"
    stacks = [stack for code in codes for stack in shards[code].stacks.values()]
    images = np.concatenate([stack.image for stack in stacks])
    labels = np.concatenate([stack.label_ids for stack in stacks])
    data = [record.numpy() for record in tf.data.TFRecordDataset(str(path))]  # which checks every checksum
    mapped = np.memmap(path, np.uint8, "r").reshape(-1, record_bytes(128))[:, 12:-4]
    assert [bytes(record) for record in mapped] == data
    read = np.stack([np.frombuffer(record[: 2 * 128**2], "<f2").reshape(128, 128) for record in data])
    np.testing.assert_array_equal(read, images)
    read = np.stack([np.frombuffer(record[2 * 128**2 :], np.uint8).reshape(128, 128) for record in data])
    np.testing.assert_array_equal(read, labels)


def _codes(cohort, name):
    lines = (cohort / "shards" / f"{name}.jsonl").read_text().splitlines()
    return [json.loads(line)["record"]["subject"] for line in lines]


@pytest.mark.parametrize(
    ("suffix", "message"),
    [
        (".tfrecord", r"expected \d+ slices of 128 x 128, \d+ bytes\. Received: 100 bytes"),
        (".jsonl", "expected the subjects of a shard"),
    ],
)
def test_a_damaged_shard_is_named(folder, tmp_path, suffix, message):
    damaged = shutil.copytree(folder / "shards", tmp_path / "damaged")
    path = damaged / "shards" / f"{PreparedCohort.open(damaged).storage.names[1]}{suffix}"
    os.truncate(path, 100)
    with pytest.raises(CmrtfError, match=rf"{path.name}: {message}"):
        PreparedCohort.open(damaged)


def test_a_shard_that_is_damaged_while_it_is_open_is_named(folder, tmp_path):
    cohort = PreparedCohort.open(shutil.copytree(folder / "shards", tmp_path / "damaged"))
    path = cohort.path / "shards" / f"{cohort.storage.names[0]}.tfrecord"
    os.truncate(path, record_bytes(128))
    with pytest.raises(CmrtfError, match=r"\.tfrecord: expected 32768 bytes from byte 49180\. Received: 0\."):
        cohort["patient001"]
    path.unlink()
    with pytest.raises(CmrtfError, match=r"\.tfrecord: expected to be able to read it\. Received: No such"):
        cohort["patient001"]


def _damaged(folder, tmp_path, code):
    """A copy of the shards, and the file and byte at which the first image of a subject begins."""
    shutil.copytree(folder / "shards", tmp_path / "shards")
    cohort = PreparedCohort.open(tmp_path / "shards")
    storage = cohort.storage
    place = storage._places[code]
    row = place.first_slice - int(storage._first_slices[place.shard])
    path = tmp_path / "shards" / "shards" / f"{storage.names[place.shard]}.tfrecord"
    return cohort, path, row * record_bytes(128) + 12


def test_flipped_bytes_are_found_before_they_are_trained_on(folder, tmp_path):
    code = PreparedCohort.open(folder / "shards").codes("train")[-1]
    cohort, path, begin = _damaged(folder, tmp_path, code)
    with path.open("r+b") as file:
        file.seek(begin + 5000)
        byte = file.read(1)[0]
        file.seek(begin + 5000)
        file.write(bytes([byte ^ 1]))
    message = rf"\.tfrecord: expected the prepared stacks ED, ES of {code}, .*changed, damaged or exchanged"
    with pytest.raises(CmrtfError, match=message):
        cohort.slices("train")
    assert len(cohort.slices("validation")[0]) > 0


def test_shards_that_were_exchanged_are_named(folder, tmp_path):
    cohort, path, _ = _damaged(folder, tmp_path, "patient001")
    same_size = [
        other for other in path.parent.glob("*.tfrecord") if other.stat().st_size == path.stat().st_size
    ]
    (other,) = set(same_size) - {path}
    content = path.read_bytes()
    path.write_bytes(other.read_bytes())
    other.write_bytes(content)
    with pytest.raises(CmrtfError, match="expected the prepared stacks ED, ES of patient001"):
        cohort["patient001"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"hearts": "0', '"hearts": "1', r"jsonl: expected which slices of patient\d+ show a heart"),
        (
            '"subject": "patient002"',
            '"subject": "patient001"',
            r"manifest\.json: expected .*patient001 twice",
        ),
    ],
)
def test_lines_that_were_changed_are_named(folder, tmp_path, old, new, message):
    shutil.copytree(folder / "shards", tmp_path / "shards")
    paths = list((tmp_path / "shards" / "shards").glob("*.jsonl"))
    for path in paths:
        path.write_text(path.read_text().replace(old, new))
    with pytest.raises(CmrtfError, match="changed or damaged"):
        PreparedCohort.open(tmp_path / "shards")
    for path in paths:
        lines = [with_checksum(json.loads(line)) for line in path.read_text().splitlines()]
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    with pytest.raises(CmrtfError, match=message):
        PreparedCohort.open(tmp_path / "shards").slices("train")


def test_a_pipe_in_place_of_lines_is_named_at_once(folder, tmp_path):
    shutil.copytree(folder / "shards", tmp_path / "shards")
    path = min((tmp_path / "shards" / "shards").glob("*.jsonl"))
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(CmrtfError, match=rf"{path.name}: expected the subjects of a shard"):
        PreparedCohort.open(tmp_path / "shards")


def test_validation_subjects_must_be_there(folder, tmp_path):
    path = shutil.copytree(folder / "shards", tmp_path / "shards") / "manifest.json"
    path.write_text(json.dumps(with_checksum(json.loads(path.read_text()) | {"validation": ["patient9"]})))
    with pytest.raises(CmrtfError, match="validation subjects that are in no shard: patient9"):
        PreparedCohort.open(tmp_path / "shards")


def test_what_is_unknown_is_of_the_slices_of_a_split(folder, shards, tmp_path):
    copy = shutil.copytree(folder / "shards", tmp_path / "shards")
    code = shards.codes("train")[1]
    for path in (copy / "shards").glob("*.jsonl"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for line in lines:
            if line["record"]["subject"] == code:
                line["record"]["unknown"] = {"ES": {"RV": [0, 5]}}
        path.write_text("".join(f"{json.dumps(with_checksum(line))}\n" for line in lines))
    partly = PreparedCohort.open(copy)
    assert np.argwhere(partly.unknown("train")).tolist() == [[18, 3], [23, 3]]
    assert not partly[code].es.knows("RV")
    assert partly.unknown("validation") is shards.unknown("train") is None
    assert partly.data_hash != shards.data_hash
