import json
import shutil

import numpy as np
import pytest

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.cohort.npz_store import subject_file
from cmrtf.cohort.record import SubjectRecord
from cmrtf.errors import CmrtfError


@pytest.fixture
def cohort(prepared, tmp_path):
    """A cohort of three patients that a test may damage."""
    return PreparedCohort.open(shutil.copytree(prepared, tmp_path / "prepared"))


@pytest.fixture
def edit_manifest(cohort):
    def edit(**entries):
        path = cohort.path / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | entries))

    return edit


def test_what_is_written_can_be_opened(cohort):
    opened = PreparedCohort.open(str(cohort.path))
    assert opened.subjects() == ("patient001", "patient002", "patient003")
    assert len(opened.subjects("train")) == 2
    assert len(opened.subjects("validation")) == 1
    assert opened.data_hash == cohort.data_hash
    for before, after in zip(cohort.records, opened.records, strict=True):
        assert before.to_dict() == after.to_dict()


def test_volumes_have_the_promised_types_and_ranges(cohort):
    volumes = cohort.load("patient002")
    assert list(volumes) == ["ED", "ES"]
    for volume in volumes.values():
        assert volume.image.shape == volume.label_ids.shape == (6, 128, 128)
        assert (volume.image.dtype, volume.label_ids.dtype) == (np.float32, np.uint8)
        assert -1 <= volume.image.min() < volume.image.max() <= 1


def test_a_record_survives_json(cohort):
    record = cohort.record("patient001")
    back = SubjectRecord.from_dict(json.loads(json.dumps(record.to_dict())))
    assert (back.phases, back.frames, back.intensity_window) == (
        ("ED", "ES"),
        {"ED": 0, "ES": 2},
        record.intensity_window,
    )
    assert (back.stack_flipped, back.num_slices) == (True, 6)


def test_the_data_hash_follows_files_and_splits(cohort, edit_manifest):
    records = [record.to_dict() for record in cohort.records]
    records[0]["file_sha256"] = "0" * 64
    edit_manifest(subjects=records)
    assert PreparedCohort.open(cohort.path).data_hash != cohort.data_hash
    assert len(cohort.data_hash) == 16


def test_an_unknown_subject_gets_a_suggestion(cohort):
    with pytest.raises(CmrtfError, match=r"Received: 'patient01'. Did you mean: patient001"):
        cohort.load("patient01")
    with pytest.raises(CmrtfError, match=r"Received: 'X'. It has: patient001, patient002, patient003\."):
        cohort.record("X")


def test_a_missing_file_is_named(cohort):
    subject_file(cohort.path, cohort.record("patient001")).unlink()
    with pytest.raises(
        CmrtfError, match=r"patient001\.\w{12}\.npz: expected the prepared stacks ED, ES of patient001"
    ):
        cohort.load("patient001")


@pytest.mark.parametrize("keep", [0, 100, 50_000])
def test_a_damaged_file_is_named(cohort, keep):
    path = subject_file(cohort.path, cohort.record("patient001"))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CmrtfError, match=r"patient001\.\w{12}\.npz: expected the prepared stacks"):
        cohort.load("patient001")


def test_a_file_of_another_shape_is_named(cohort):
    short = {
        f"{phase}_{kind}": np.zeros((5, 128, 128)) for phase in ("ED", "ES") for kind in ("image", "label")
    }
    np.savez(subject_file(cohort.path, cohort.record("patient001")), **short)
    with pytest.raises(
        CmrtfError, match=r"patient001\.\w{12}\.npz: expected ED image and label of shape \(6, 128, 128\)"
    ):
        cohort.load("patient001")


def test_a_folder_without_manifest_is_named(tmp_path):
    with pytest.raises(CmrtfError, match=r"manifest\.json: expected the manifest\.json of a cohort"):
        PreparedCohort.open(tmp_path)


@pytest.mark.parametrize("text", ["no json", "[]", '{"format": "something else"}'])
def test_a_manifest_of_another_kind_is_named(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(
        CmrtfError, match=r"expected the manifest\.json of a cohort that `cmrtf prepare` wrote"
    ):
        PreparedCohort.open(tmp_path)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"version": 99}, "expected version 2 .*Received: version 99"),
        ({"label_schema": {"name": "ACDC"}}, "expected labels in M&Ms order"),
        ({"subjects": []}, "expected at least one subject"),
        ({"subjects": [{"subject": "patient001"}]}, "expected a complete record for every subject"),
    ],
)
def test_a_manifest_that_does_not_fit_is_explained(cohort, edit_manifest, entries, message):
    edit_manifest(**entries)
    with pytest.raises(CmrtfError, match=message):
        PreparedCohort.open(cohort.path)
