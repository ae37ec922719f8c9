import json

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from cmrtf.core.files import sha256_of
from cmrtf.core.json_files import with_checksum
from cmrtf.errors import CmrtfError
from cmrtf_export.check import check_bundle


def test_a_bundle_as_exported_passes(story):
    lines = [line.removeprefix("ok  ") for line in story.said["export --check"].splitlines()]
    assert "match their checksums" in lines[0]
    assert "label_vae: only computes, and has the signatures encode, decode, interpolate" in lines
    assert "spade_gan: loads with tag serve, by the C++ loader of TensorFlow Serving" in lines
    assert "spade_gan: answers its warm-up requests (synthesize, encode_style, walk, walk_average)" in lines


@pytest.fixture
def reseal(copied):
    """Give a changed file its checksum, as someone who exported it so would have."""

    def reseal(name, data):
        (copied / name).write_bytes(data)
        description = json.loads((copied / "bundle.json").read_text())
        description["sha256"][name] = sha256_of(copied / name)
        (copied / "bundle.json").write_text(json.dumps(with_checksum(description)))

    return reseal


@pytest.fixture
def change_signatures(copied, reseal):
    def change_signatures(change):
        name = "label_vae/1/saved_model.pb"
        saved = saved_model_pb2.SavedModel.FromString((copied / name).read_bytes())
        change(saved.meta_graphs[0].signature_def)
        reseal(name, saved.SerializeToString())

    return change_signatures


def test_a_missing_signature_is_found(copied, change_signatures):
    change_signatures(lambda signatures: signatures.pop("interpolate"))
    message = r"expected a signature interpolate\. Received: decode, encode, serving_default"
    with pytest.raises(CmrtfError, match=message):
        list(check_bundle(copied))


def test_another_shape_is_found(copied, change_signatures):
    def change(signatures):
        signatures["decode"].inputs["code"].tensor_shape.dim[1].size = 7

    change_signatures(change)
    message = r"signature decode to have inputs code float32 \(None, 4\)\. Received: code float32 \(None, 7\)"
    with pytest.raises(CmrtfError, match=message):
        list(check_bundle(copied))


def test_a_warmup_request_that_fails_is_found(copied, reseal):
    """A server would not start with it."""
    from tensorflow_serving.apis import prediction_log_pb2

    name = "label_vae/1/assets.extra/tf_serving_warmup_requests"
    (record, *_) = tf.data.TFRecordDataset(str(copied / name)).as_numpy_iterator()
    log = prediction_log_pb2.PredictionLog.FromString(record)
    log.predict_log.request.inputs["label_ids"].CopyFrom(tf.make_tensor_proto([[[9]]], tf.int32))
    with tf.io.TFRecordWriter(str(copied / "request")) as writer:
        writer.write(log.SerializeToString())
    reseal(name, (copied / "request").read_bytes())
    (copied / "request").unlink()
    with pytest.raises(CmrtfError, match=r"label_vae/1: expected signature encode to answer\. Received"):
        list(check_bundle(copied))


def test_a_warmup_file_that_is_none_is_found(copied, reseal):
    reseal("label_vae/1/assets.extra/tf_serving_warmup_requests", b"not a record")
    with pytest.raises(CmrtfError, match=r"tf_serving_warmup_requests: expected requests to warm up with"):
        list(check_bundle(copied))


def test_a_model_that_does_not_load_is_found(copied, reseal):
    reseal("spade_gan/1/saved_model.pb", b"not a model")
    with pytest.raises(CmrtfError, match=r"spade_gan/1/saved_model\.pb: expected a SavedModel\. Received"):
        list(check_bundle(copied))


def test_missing_sizes_are_found(copied):
    description = json.loads((copied / "bundle.json").read_text())
    del description["image"]
    (copied / "bundle.json").write_text(json.dumps(with_checksum(description)))
    with pytest.raises(
        CmrtfError, match=r"bundle\.json: expected a bundle made by.*missing required field `image`"
    ):
        list(check_bundle(copied))


@pytest.mark.parametrize("bank", ["style_bank.json", "anatomy_bank.npz"])
def test_a_bundle_without_a_bank_is_found_even_if_its_checksum_is_gone_too(copied, bank):
    (copied / bank).unlink()
    description = json.loads((copied / "bundle.json").read_text())
    del description["sha256"][bank]
    (copied / "bundle.json").write_text(json.dumps(with_checksum(description)))
    with pytest.raises(CmrtfError, match=rf"expected .*{bank}"):
        list(check_bundle(copied))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda entry: [code.pop() for code in entry["style"]],
            r"style_bank\.json: expected codes of the bundle's models, 4",
        ),
        (lambda entry: entry.update(intensity_window=[5, 5]), "intensity window that rises"),
        (lambda entry: entry.update(style=["1"]), r"Expected `float \| array`, got `str`"),
    ],
)
def test_a_bank_of_something_else_is_found(copied, reseal, change, message):
    bank = json.loads((copied / "style_bank.json").read_text())
    for entry in bank["subjects"].values():
        change(entry)
    reseal("style_bank.json", json.dumps(bank).encode())
    with pytest.raises(CmrtfError, match=message):
        list(check_bundle(copied))


def test_fewer_subjects_than_were_exported_are_found(copied, reseal):
    bank = json.loads((copied / "style_bank.json").read_text())
    bank["subjects"].popitem()
    reseal("style_bank.json", json.dumps(bank).encode())
    with pytest.raises(CmrtfError, match=r"style_bank\.json: expected 2 entries, as in .*Received: 1"):
        list(check_bundle(copied))
