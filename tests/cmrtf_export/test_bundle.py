import hashlib
import json

import numpy as np
import pytest

from cmrtf.data.schema import SCHEMA
from cmrtf.errors import CmrtfError
from cmrtf_export import bundle as module
from cmrtf_export.bundle import Bundle, read_description


@pytest.fixture
def edit(copied):
    """Change entries of `bundle.json`."""

    def edit(**entries):
        path = copied / "bundle.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | entries))

    return edit


def test_every_file_is_listed_with_its_checksum(story):
    files = {path.relative_to(story.bundle).as_posix() for path in story.bundle.rglob("*") if path.is_file()}
    listed = read_description(story.bundle)["sha256"]
    assert set(listed) == files - {"bundle.json"}
    assert {
        "README.md",
        "style_bank.json",
        "label_vae/1/saved_model.pb",
        "spade_gan/1/saved_model.pb",
    } <= files
    for name, digest in listed.items():
        assert digest == hashlib.sha256((story.bundle / name).read_bytes()).hexdigest()


def test_the_description_says_what_the_models_are(story, bundle):
    description = bundle.description
    assert description["schema"] == SCHEMA.to_dict()
    assert description["image"] == {"size": 128, "spacing_mm": 1.5, "range": [-1.0, 1.0]}
    assert {"cmrtf", "tensorflow", "keras"} == set(description["versions"])
    hashes = {description[name]["data_hash"] for name in ("label_vae", "spade_gan")}
    assert len(hashes) == 1
    for name in ("label_vae", "spade_gan"):
        assert description[name]["steps_trained"] == 2
        assert description[name]["seed"] == 0
        assert description[name]["config"]["batch_size"] == 2
    assert "cross_entropy" in description["label_vae"]["metrics"]
    assert "val_l1" in description["spade_gan"]["metrics"]
    assert str(story.bundle.parent) not in (story.bundle / "bundle.json").read_text()


def test_its_hash_is_that_of_the_description(bundle):
    assert bundle.sha256 == hashlib.sha256((bundle.path / "bundle.json").read_bytes()).hexdigest()


def test_codes_and_images_have_the_promised_shapes_and_types(bundle, slices):
    """Labels of any integer type, images of any float type and without a channel axis."""
    label_ids = slices["label_ids"].astype(np.uint8)
    codes = bundle.encode(label_ids)
    assert (codes.shape, codes.dtype) == ((3, 4), np.float32)
    decoded = bundle.decode(codes)
    assert (decoded.shape, decoded.dtype) == ((3, 128, 128), np.uint8)
    assert decoded.max() < 4
    styles = bundle.encode_style(slices["image"][..., 0].astype(np.float64))
    assert (styles.shape, styles.dtype) == ((3, 4), np.float32)
    image = bundle.synthesize(label_ids, styles)
    assert (image.shape, image.dtype) == ((3, 128, 128), np.float32)
    assert np.abs(image).max() <= 1.0


def test_batches_of_any_size_give_the_same(bundle, slices, monkeypatch):
    whole = bundle.encode(slices["label_ids"]), bundle.synthesize(slices["label_ids"], slices["style"])
    monkeypatch.setattr(module, "BATCH_SIZE", 2)
    parts = bundle.encode(slices["label_ids"]), bundle.synthesize(slices["label_ids"], slices["style"])
    for ours, expected in zip(parts, whole, strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_no_slices_give_none(bundle):
    """A walk may have no slice with a heart."""
    assert bundle.decode(np.zeros((0, 4), np.float32)).shape == (0, 128, 128)
    assert bundle.encode(np.zeros((0, 128, 128), np.uint8)).shape == (0, 4)


def test_the_style_bank_has_subjects_and_vendors(bundle):
    bank = bundle.style_bank()
    assert set(bank) == {"subjects", "vendors"}
    for entry in (*bank["subjects"].values(), *bank["vendors"].values()):
        assert len(entry["style"]) == 4
        low, high = entry["intensity_window"]
        assert low < high


@pytest.mark.parametrize("text", [None, "{", "[]", "{}", '{"format": "cmrtf-bundle"}'])
def test_what_is_not_a_bundle_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "bundle.json").write_text(text)
    with pytest.raises(CmrtfError, match=r"expected a bundle made by `cmrtf export`, with a bundle\.json"):
        Bundle.open(tmp_path)


def test_a_folder_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(CmrtfError, match="nowhere: expected a bundle made by `cmrtf export`"):
        Bundle.open(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("entries", "received"),
    [({"format": "other"}, "other version 1"), ({"format_version": 2}, "cmrtf-bundle version 2")],
)
def test_another_format_is_refused(copied, edit, entries, received):
    edit(**entries)
    message = rf"bundle\.json: expected cmrtf-bundle version 1\. Received: {received}"
    with pytest.raises(CmrtfError, match=message):
        Bundle.open(copied)


def test_a_changed_file_is_refused(copied):
    with (copied / "label_vae/1/saved_model.pb").open("ab") as file:
        file.write(b"\0")
    message = r"saved_model\.pb: expected the file that was exported\. Received: one of another content"
    with pytest.raises(CmrtfError, match=message):
        Bundle.open(copied)


def test_a_missing_file_is_refused(copied):
    (copied / "style_bank.json").unlink()
    with pytest.raises(
        CmrtfError, match=r"style_bank\.json: expected a file of the bundle, but there is none"
    ):
        Bundle.open(copied)


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname"])
def test_a_path_out_of_the_bundle_is_refused(copied, edit, name):
    (copied.parent / "outside").write_text("")
    edit(sha256={name: "0"})
    with pytest.raises(CmrtfError, match=rf"expected files inside the bundle\. Received: {name}"):
        Bundle.open(copied)
