"""A bundle is taken only if it is, file by file, what was exported."""

import gzip
import hashlib
import json
import re

import pytest

from cmrtf.bundle.bundle import Bundle
from cmrtf.bundle.contents import read_description
from cmrtf.core.json_files import with_checksum
from cmrtf.core.labels import SCHEMA
from cmrtf.errors import CmrtfError


@pytest.fixture
def edit(copied):
    """Change entries of `bundle.json`."""

    def edit(**entries):
        path = copied / "bundle.json"
        path.write_text(json.dumps(with_checksum(json.loads(path.read_text()) | entries)))

    return edit


def test_every_file_is_listed_with_its_checksum(story):
    files = {path.relative_to(story.bundle).as_posix() for path in story.bundle.rglob("*") if path.is_file()}
    listed = read_description(story.bundle)["sha256"]
    to_edit = {name for name in files if name.startswith("serving/") or name == "README.md"}
    assert set(listed) == files - {"bundle.json"} - to_edit
    assert "serving/models.config" in to_edit
    assert {
        "README.md",
        "style_bank.json",
        "label_vae/1/saved_model.pb",
        "spade_gan/1/saved_model.pb",
        "spade_gan/1/assets.extra/tf_serving_warmup_requests",
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
    [({"format": "other"}, "other version 4"), ({"format_version": 1}, "cmrtf-bundle version 1")],
)
def test_another_format_is_refused(copied, edit, entries, received):
    edit(**entries)
    message = rf"bundle\.json: expected cmrtf-bundle version 4\. Received: {received}\. Export"
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
    checksums = json.loads((copied / "bundle.json").read_text())["sha256"]
    edit(sha256=checksums | {name: "0" * 64})
    with pytest.raises(CmrtfError, match=rf"expected files inside the bundle\. Received: {name}"):
        Bundle.open(copied)


@pytest.mark.parametrize("name", ["label_vae/1/saved_model.cpb", "label_vae/2/saved_model.pb", "notes.txt"])
def test_a_file_that_was_added_is_refused(copied, name):
    """TensorFlow prefers `saved_model.cpb` to the `saved_model.pb` that has a checksum."""
    (copied / name).parent.mkdir(exist_ok=True)
    (copied / name).write_bytes(b"x")
    message = rf"{re.escape(name)}: expected nothing but the files that were exported"
    with pytest.raises(CmrtfError, match=message):
        Bundle.open(copied)


def test_a_link_out_of_the_bundle_is_refused(copied):
    """Even one to a file of the same content."""
    member = copied / "style_bank.json"
    outside = member.rename(copied.parent / "outside.json")
    member.symlink_to(outside)
    with pytest.raises(CmrtfError, match=r"expected files inside the bundle\. Received: style_bank\.json"):
        Bundle.open(copied)


def test_a_linked_folder_that_was_added_is_refused(copied):
    (copied.parent / "elsewhere").mkdir()
    (copied / "spade_gan" / "2").symlink_to(copied.parent / "elsewhere")
    with pytest.raises(CmrtfError, match=r"spade_gan/2: expected nothing but the files that were exported"):
        Bundle.open(copied)


def test_the_model_card_and_serving_files_may_be_edited(copied):
    (copied / "README.md").write_text("filled in")
    (copied / "serving" / "batching.config").write_text("")
    (copied / "serving" / "certificate.pem").write_text("")
    assert read_description(copied)


def test_no_text_of_a_header_gets_into_a_bundle(story):
    """The raw files of the story carry names in every text field of their headers."""
    marked = [path for path in story.raw.rglob("*_sa*.nii.gz")]
    assert story.patient_name.encode() in gzip.decompress(marked[0].read_bytes())
    for file in (path for path in story.bundle.rglob("*") if path.is_file()):
        assert story.patient_name.encode() not in file.read_bytes(), file
