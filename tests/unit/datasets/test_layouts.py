import os
from pathlib import Path

import numpy as np
import pytest

from cmrtf.core.issues import ERROR, Issue
from cmrtf.datasets.base import RawCohort, RawSubject, SkippedSubject
from cmrtf.datasets.layouts import LAYOUTS, leave_out, read_raw
from cmrtf.errors import CmrtfError
from folders import contents
from generated_subjects import WINDOW, write_subjects
from raw_data import write_acdc, write_mnms, write_mnms_csv


@pytest.fixture
def mixed(tmp_path):
    write_acdc(tmp_path / "acdc", "patient001")
    write_mnms(tmp_path / "mnms" / "A1B2C3", "A1B2C3")
    write_mnms_csv(tmp_path / "mnms" / "information.csv", [("A1B2C3", "A", "NOR")])
    return tmp_path


def test_the_layout_is_recognised(mixed):
    assert {name: read_raw(mixed / name).format for name in ("acdc", "mnms")} == {
        "acdc": "acdc",
        "mnms": "mnms",
    }


def test_two_data_sets_in_one_folder_need_a_choice(mixed):
    with pytest.raises(CmrtfError, match=r"expected one data set. Received: files of mnms and acdc"):
        read_raw(mixed)
    assert [read_raw(mixed, name).format for name in ("mnms", "acdc")] == ["mnms", "acdc"]


def test_an_unknown_layout_is_described(tmp_path):
    (tmp_path / "scan.dcm").touch()
    with pytest.raises(
        CmrtfError, match=r"known layout \(mnms: .*; acdc: .*\). Received: a folder with scan\.dcm"
    ):
        read_raw(tmp_path)


def test_an_empty_folder_is_described(tmp_path):
    with pytest.raises(CmrtfError, match="nothing in it"):
        read_raw(tmp_path)


def test_a_format_that_does_not_fit_is_described(mixed):
    with pytest.raises(CmrtfError, match=r"known layout \(mnms: "):
        read_raw(mixed / "acdc", "mnms")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(CmrtfError, match=r"gone: expected the folder of a raw data set"):
        read_raw(tmp_path / "gone")


def test_no_labelled_subject_at_all_is_an_error(tmp_path):
    write_mnms(tmp_path / "Unlabeled" / "A1B2C3", "A1B2C3")
    write_mnms_csv(tmp_path / "information.csv", [("A1B2C3", "A", "NOR")])
    with pytest.raises(CmrtfError, match=r"expected labelled subjects. Received: none, and 1 without labels"):
        read_raw(tmp_path)


def test_what_cannot_be_looked_into_is_told(mixed, tmp_path):
    (mixed / "acdc" / "patient002").symlink_to("gone")
    os.mkdir(os.fsencode(mixed / "acdc") + b"/patient\xfc03")
    cohort = read_raw(mixed / "acdc")
    assert [subject.subject for subject in cohort.subjects] == ["patient001"]
    assert [problem.subject for problem in cohort.problems] == [r"patient\xfc03", "patient002"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "patient002").symlink_to("gone")
    with pytest.raises(CmrtfError, match=r"other/patient002: expected what this link leads to"):
        read_raw(tmp_path / "other")


def test_a_label_that_is_a_link_to_nowhere_is_no_missing_one(mixed):
    label = mixed / "mnms" / "A1B2C3" / "A1B2C3_sa_gt.nii.gz"
    label.unlink()
    label.symlink_to("gone")
    write_mnms_csv(mixed / "mnms" / "information.csv", [("A1B2C3", "C", "NOR")])
    (problem,) = read_raw(mixed / "mnms").problems
    assert "A1B2C3_sa_gt.nii.gz: expected a NIfTI file. Received: what is not a file" in str(problem)


def test_a_folder_that_cannot_be_read_is_no_data_set(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(
        CmrtfError, match=r"expected the folder of a raw data set\. Received: Permission denied"
    ):
        read_raw(tmp_path)


@pytest.mark.parametrize("code", ["A" * 201, "A\tB", "\x1b[2J"])
def test_a_code_that_cannot_name_files_is_an_error(tmp_path, code):
    write_mnms(tmp_path / "other", code)
    write_mnms(tmp_path / "[é] *", "[é] *")
    write_mnms_csv(tmp_path / "information.csv", [(code, "A", "NOR"), ("[é] *", "A", "NOR")])
    cohort = read_raw(tmp_path)
    assert [subject.subject for subject in cohort.subjects] == ["[é] *"]
    (problem,) = cohort.problems
    assert "expected a subject's code of 200 bytes at most, without control characters" in problem.problem
    assert problem.problem.isprintable()


def _left(*codes, known=()):
    cohort = RawCohort(
        "test",
        (RawSubject("s1", "", "", {}), RawSubject("s2", "", "", {})),
        (SkippedSubject("s4", "no labels"),),
        (Issue(ERROR, Path("a"), "bad", "s3"),),
    )
    left = leave_out(cohort, codes, known)
    return left.codes, {skipped.subject: skipped.reason for skipped in left.skipped}


def test_subjects_are_left_out_by_their_codes():
    assert _left() == ({"s1", "s2", "s3"}, {"s4": "no labels"})
    assert _left("s3", "s1") == ({"s2"}, {"s1": "excluded", "s3": "excluded", "s4": "no labels"})
    assert _left("s4", "old", known=["old"]) == ({"s1", "s2", "s3"}, {"s4": "excluded"})
    with pytest.raises(
        CmrtfError, match=r"exclude: expected the code of a subject. Received: 's5'. There are: s1, s2"
    ):
        _left("s5")
    with pytest.raises(CmrtfError, match=r"exclude: expected some subjects to be left. Received: all 3"):
        _left("s1", "s2", "s3")


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_is_written_is_read_back(tmp_path, name):
    root = tmp_path / "Dataset501_Hearts"
    for subject in write_subjects(LAYOUTS[name], root):
        stacks = LAYOUTS[name].read_subject(root, subject.name, WINDOW)
        assert list(stacks) == ["ED", "ES"]
        for phase, stack in stacks.items():
            expected = subject.stacks[phase]
            np.testing.assert_array_equal(stack.label_ids, expected.label_ids)
            np.testing.assert_allclose(stack.image, expected.image, atol=1e-5)
            np.testing.assert_allclose(stack.affine, expected.affine, atol=1e-6)
            assert stack.intensity_window == WINDOW


@pytest.mark.parametrize("name", LAYOUTS)
def test_writing_a_subject_twice_does_no_harm(tmp_path, name):
    root = tmp_path / "Dataset501_Hearts"
    subjects = write_subjects(LAYOUTS[name], root)
    before = contents(root)
    LAYOUTS[name].write_subject(root, subjects[0])
    assert contents(root).keys() == before.keys()


def test_the_name_of_a_folder_must_suit_the_layout(tmp_path):
    LAYOUTS["nnunet"].check_folder(tmp_path / "Dataset501_Hearts")
    LAYOUTS["bids"].check_folder(tmp_path / "hearts")
    with pytest.raises(CmrtfError, match=r"hearts: expected .*such as Dataset501_Hearts. Received: hearts"):
        LAYOUTS["nnunet"].check_folder(tmp_path / "hearts")


def test_a_phase_that_one_subject_lacks_is_warned_of(tmp_path):
    (tmp_path / "cmrtf.yaml").write_text(
        "images: '{subject}_{phase}.nii'\nlabels: '{subject}_{phase}_gt.nii'\n"
        "label_values: {LV: 1, MYO: 2, RV: 3}\n"
    )
    for name in ("a_ED", "a_ES", "b_ED"):
        (tmp_path / f"{name}.nii").touch()
        (tmp_path / f"{name}_gt.nii").touch()
    whole, half = read_raw(tmp_path).subjects
    assert whole.issues == ()
    assert [issue.problem for issue in half.issues] == [
        "expected ED and ES, as other subjects have. Received: no ES; the subject is used without"
    ]
