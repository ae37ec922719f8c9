import json
import os
import shutil

import numpy as np
import pytest

from cmrtf.cohort.build import prepare
from cmrtf.errors import CmrtfError
from folders import contents, names
from raw_data import heart, image_of, of_patient, save, write_acdc


@pytest.mark.parametrize("what", ["file", "folder"])
def test_an_output_that_is_taken_is_left_alone(raw, out, what):
    out.parent.mkdir()
    if what == "file":
        out.write_text("mine")
    else:
        out.mkdir()
        (out / "mine.txt").write_text("mine")
    with pytest.raises(CmrtfError, match="expected a folder that does not exist yet, or an empty one"):
        prepare(raw, out)
    assert (out if what == "file" else out / "mine.txt").read_text() == "mine"


def test_an_empty_output_folder_is_used(raw, out):
    out.mkdir(parents=True)
    prepare(raw, out)
    assert (out / "manifest.json").is_file()


def test_a_cohort_of_an_earlier_version_is_prepared_again_in_its_place(raw, out):
    (out / "subjects").mkdir(parents=True)
    (out / "subjects" / "patient001.npz").touch()
    (out / "manifest.json").write_text('{"format": "cmrtf-prepared-cohort", "version": 1, "subjects": []}')
    assert len(prepare(raw, out).cohort.codes()) == 3
    assert "patient001.npz" not in names(out / "subjects")


def test_a_cohort_of_an_earlier_version_does_not_lose_subjects_either(raw, out):
    out.mkdir(parents=True)
    for subjects, message in (
        ('[{"subject": "patient001"}, {"subject": "patient009"}]', "without 1 of them: patient009"),
        ("null", "manifest.json: expected the code of every subject"),
    ):
        manifest = f'{{"format": "cmrtf-prepared-cohort", "version": 1, "subjects": {subjects}}}'
        (out / "manifest.json").write_text(manifest)
        with pytest.raises(CmrtfError, match=message):
            prepare(raw, out)
        assert (out / "manifest.json").read_text() == manifest


def _without_checksum(out, change):
    """Change a manifest as a user may who writes one."""
    manifest = json.loads((out / "manifest.json").read_text())
    del manifest["checksum"]
    change(manifest)
    (out / "manifest.json").write_text(json.dumps(manifest))


@pytest.fixture(scope="module")
def prepared_once(raw_once, tmp_path_factory):
    """The cohort of `raw`: to read only."""
    out = tmp_path_factory.mktemp("prepared_once") / "prepared"
    prepare(raw_once, out)
    return out


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest["subjects"][1].pop("file_sha256"),
        lambda manifest: manifest.update(subjects=None),
        lambda manifest: manifest.update(subjects=[]),
        lambda manifest: manifest.update(other_orders={"patient001": 3}),
        lambda manifest: manifest.update(other_orders={"patient001": [0, -1]}),
        lambda manifest: manifest.update(other_orders=["patient001"]),
        lambda manifest: manifest.update(skipped=7),
        lambda manifest: manifest.update(skipped=[{"subject": 7, "reason": ""}]),
        lambda manifest: manifest.update(seed="one"),
        lambda manifest: manifest.update(validation_fraction=[0.2]),
    ],
)
def test_a_cohort_whose_manifest_cannot_be_opened_is_left_alone(raw, prepared_once, out, tmp_path, change):
    """Which subjects another data set would take from it is not known."""
    shutil.copytree(prepared_once, out)
    _without_checksum(out, change)
    before = contents(out)
    write_acdc(tmp_path / "other", "patient009")
    for source in (raw, tmp_path / "other"):
        with pytest.raises(CmrtfError, match=r"manifest\.json: expected"):
            prepare(source, out)
    assert contents(out) == before


@pytest.mark.parametrize("kind", ["pipe", "folder", "link"])
def test_a_manifest_that_is_no_file_is_named(raw, out, kind):
    out.mkdir(parents=True)
    path = out / "manifest.json"
    {"pipe": os.mkfifo, "folder": os.mkdir, "link": lambda path: path.symlink_to("nothing")}[kind](path)
    with pytest.raises(CmrtfError, match=r"manifest\.json: expected the manifest of a cohort. Received:"):
        prepare(raw, out)


def test_added_subjects_do_not_move_the_others_to_another_split(raw, out):
    before = prepare(raw, out, validation_fraction=0.4).cohort
    for number in range(4, 9):
        write_acdc(raw, f"patient{number:03d}")
    after = prepare(raw, out, validation_fraction=0.4).cohort
    assert all(after.record(code).split == before.record(code).split for code in before.codes())
    assert len(after.codes("validation")) == 3
    assert len(prepare(raw, out, validation_fraction=0.8).cohort.codes("validation")) == 6


def test_another_data_set_does_not_take_the_place_of_a_cohort(raw, out, tmp_path):
    prepare(raw, out)
    before = contents(out)
    for number in (2, 3, 9):
        write_acdc(tmp_path / "other", f"patient00{number}")
    with pytest.raises(CmrtfError) as caught:
        prepare(tmp_path / "other", out)
    assert "other without 1 of them: patient001. Prepare another data set into another folder" in str(
        caught.value
    )
    with pytest.raises(CmrtfError, match=r"Received: 'patient008'. Did you mean"):
        prepare(tmp_path / "other", out, exclude=["patient008"])
    assert contents(out) == before
    assert prepare(tmp_path / "other", out, exclude=["patient001"]).cohort.codes()[2] == "patient009"


def test_other_images_under_the_same_codes_are_another_data_set(raw, out, tmp_path):
    prepare(raw, out)
    before = contents(out)
    for number in (1, 2, 3):
        folder = write_acdc(tmp_path / "other", f"patient00{number}", apex_first=number < 3)
        for path in folder.glob("*frame01.nii.gz"):
            save(path, image_of(heart(apex_first=number < 3), "another scan"))
    with pytest.raises(CmrtfError, match=r"Received: other images under the same codes\. Prepare another"):
        prepare(tmp_path / "other", out)
    assert contents(out) == before


def test_corrected_labels_bring_a_cohort_up_to_date(raw, out):
    prepare(raw, out)
    for path in raw.rglob("*_frame01_gt.nii.gz"):
        save(path, np.array([0, 3, 2, 1], np.uint8)[of_patient(heart(scale=0.9), path.parent.name)])
    assert prepare(raw, out).num_unchanged == 0


def test_a_cohort_of_a_later_version_is_left_alone(raw, out):
    out.mkdir(parents=True)
    manifest = '{"format": "cmrtf-prepared-cohort", "version": 99, "subjects": []}'
    (out / "manifest.json").write_text(manifest)
    with pytest.raises(CmrtfError, match="Received: one that is taken"):
        prepare(raw, out)
    assert (out / "manifest.json").read_text() == manifest


def test_a_cohort_whose_manifest_was_changed_by_hand_is_left_alone_and_the_manifest_named(raw, out):
    prepare(raw, out)
    manifest = (out / "manifest.json").read_text().replace('"validation"', '"train"')
    (out / "manifest.json").write_text(manifest)
    before = contents(out)
    with pytest.raises(CmrtfError, match=r"manifest\.json: expected the manifest of a cohort.*damaged"):
        prepare(raw, out)
    assert contents(out) == before


def test_who_cannot_be_used_is_skipped_on_request_and_named(raw, out):
    write_acdc(raw, "patient004")
    (raw / "patient002" / "patient002_frame01.nii.gz").unlink()
    save(raw / "patient003" / "patient003_frame01_gt.nii.gz", np.zeros((40, 44, 6), np.uint8))
    built = prepare(raw, out, skip_unusable=True)
    assert built.cohort.codes() == ("patient001", "patient004")
    assert {record.split for record in built.cohort.records} == {"train", "validation"}
    manifest = json.loads((out / "manifest.json").read_text())
    reasons = [{"subject": f"patient00{number}", "reason": "cannot be used"} for number in (2, 3)]
    assert manifest["skipped"] == reasons
    assert "Skipped 2, cannot be used: patient002, patient003.\n  - " in str(built)
    assert "patient003_frame01_gt.nii.gz: expected a heart" in built.problems["patient003"]


def test_of_two_copies_one_is_skipped_on_request(raw, out):
    for path in (raw / "patient001").glob("*.nii.gz"):
        (raw / "patient002" / path.name.replace("001", "002")).write_bytes(path.read_bytes())
    with pytest.raises(CmrtfError, match="the ED image of subject patient001"):
        prepare(raw, out)
    assert prepare(raw, out, exclude=["patient001"]).cohort.codes() == ("patient002", "patient003")
    assert prepare(raw, out, skip_unusable=True, exclude=["patient002"]).cohort.codes()[0] == "patient001"


def test_without_one_good_subject_there_is_no_cohort(raw, out):
    for path in raw.rglob("*_gt.nii.gz"):
        path.unlink()
    with pytest.raises(CmrtfError, match="3 of 3 subjects cannot be used"):
        prepare(raw, out, skip_unusable=True)
    assert not (out / "manifest.json").exists()
