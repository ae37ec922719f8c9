import json
import re
import shutil

import numpy as np
import pytest

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.core.json_files import with_checksum
from cmrtf.core.locks import lock
from cmrtf.core.unknown import slices_by_structure
from cmrtf.errors import CmrtfError
from prepared_cohort import write_cohort


@pytest.fixture
def cohort(prepared, tmp_path):
    """A cohort of three patients that a test may damage."""
    return PreparedCohort.open(shutil.copytree(prepared, tmp_path / "prepared"))


@pytest.fixture
def edit_manifest(cohort):
    def edit(**entries):
        path = cohort.path / "manifest.json"
        path.write_text(json.dumps(with_checksum(json.loads(path.read_text()) | entries)))

    return edit


def test_what_is_written_can_be_opened(cohort):
    opened = PreparedCohort.open(str(cohort.path))
    assert opened.codes() == ("patient001", "patient002", "patient003")
    assert len(opened.codes("train")) == 2
    assert len(opened.codes("validation")) == 1
    assert opened.data_hash == cohort.data_hash
    for before, after in zip(cohort.records, opened.records, strict=True):
        assert before.to_dict() == after.to_dict()


def test_stacks_have_the_promised_types_and_ranges(cohort):
    subject = cohort["patient002"]
    assert subject.phases == ("ED", "ES")
    for stack in subject.stacks.values():
        assert stack.image.shape == stack.label_ids.shape == (6, 128, 128)
        assert (stack.image.dtype, stack.label_ids.dtype) == (np.float32, np.uint8)
        assert -1 <= stack.image.min() < stack.image.max() <= 1


def test_a_subject_knows_what_its_record_knows(cohort):
    subject, record = cohort["patient002"], cohort.record("patient002")
    assert (subject.id, subject.vendor, subject.pathology) == ("source_patient002", "A", "DCM")
    assert subject.ed.intensity_window == record.intensity_window["ED"]
    np.testing.assert_array_equal(subject.es.affine, record.geometry.affine)


def test_a_cohort_is_a_collection_of_codes(cohort):
    assert list(cohort) == list(cohort.codes())
    assert len(cohort) == 3
    assert "patient003" in cohort
    assert "patient004" not in cohort


def test_a_cohort_is_held_by_many_who_read_it(cohort):
    with cohort.held(), PreparedCohort.open(cohort.path).held():
        pass


def test_a_cohort_that_is_being_prepared_or_has_changed_is_not_held(cohort, edit_manifest):
    manifest = cohort.path / "manifest.json"
    with (
        lock(manifest, ""),
        pytest.raises(CmrtfError, match=r"manifest\.json: .* Received: one that cmrtf prepare is working on"),
        cohort.held(),
    ):
        pass
    edit_manifest(subjects=json.loads(manifest.read_text())["subjects"][:2])
    with pytest.raises(CmrtfError, match="has changed since it was opened"), cohort.held():
        pass


def test_the_data_hash_follows_files_and_splits(cohort, edit_manifest):
    records = [record.to_dict() for record in cohort.records]
    records[0]["file_sha256"] = "0" * 64
    edit_manifest(subjects=records)
    assert PreparedCohort.open(cohort.path).data_hash != cohort.data_hash
    assert len(cohort.data_hash) == 16


def test_an_unknown_subject_gets_a_suggestion(cohort):
    with pytest.raises(CmrtfError, match=r"Received: 'patient01'. Did you mean: patient001"):
        cohort["patient01"]
    with pytest.raises(CmrtfError, match=r"Received: 'X'. It has: patient001, patient002, patient003\."):
        cohort.record("X")


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


def test_a_split_must_be_one(prepared):
    with pytest.raises(CmrtfError, match=r"split: expected train or validation\. Received: 'test'"):
        PreparedCohort.open(prepared).codes("test")


def test_a_cohort_says_how_many_subjects_it_has(prepared):
    said = repr(PreparedCohort.open(prepared))
    assert re.fullmatch(r"PreparedCohort\(.*: \d+ train, \d+ validation\)", said)


def test_a_number_is_no_code(prepared):
    with pytest.raises(CmrtfError, match="expected"):
        PreparedCohort.open(prepared)[0]


def test_what_is_unknown_is_of_the_same_slices_and_in_the_hash(tmp_path):
    unknown = {"S2": {"ED": {"RV": [0, 1, 2]}, "ES": {"MYO": [2]}}}
    cohort = PreparedCohort.open(write_cohort(tmp_path / "partly", unknown=unknown))
    whole = PreparedCohort.open(write_cohort(tmp_path / "whole"))
    assert slices_by_structure(cohort.unknown("train")) == {"RV": [6, 7, 8], "MYO": [11]}
    assert len(cohort.unknown("train")) == len(cohort.slices("train")[0])
    assert cohort.unknown("validation") is whole.unknown("train") is None
    assert cohort.data_hash != whole.data_hash
    assert not cohort["S2"].es.knows("MYO")
    assert "unknown" not in whole.record("S1").to_dict()


@pytest.mark.parametrize("code", [None, 5, [1], {}])
def test_what_is_no_code_is_none_of_the_subjects(tiny_cohort, code):
    cohort = PreparedCohort.open(tiny_cohort)
    with pytest.raises(CmrtfError, match=r"expected one of its 4 subjects\. Received: "):
        cohort[code]
