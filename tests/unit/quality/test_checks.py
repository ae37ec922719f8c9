from dataclasses import replace

import numpy as np

from cmrtf.datasets.layouts import read_raw
from cmrtf.quality.checks import duplicate_issues
from raw_data import write_acdc
from raw_patient import CODE, IMAGE, LABEL


def test_all_errors_of_one_check_are_named(patient):
    patient.change(IMAGE, lambda data: data * np.float32(np.nan))
    patient.change(f"{CODE}_frame01_gt.nii.gz", np.zeros_like)
    assert set(patient.errors()) == {IMAGE, f"{CODE}_frame01_gt.nii.gz"}


def test_an_error_ends_the_checks(patient):
    """A label without a heart is not told of where its file lies in another place."""
    patient.change(LABEL, np.zeros_like, affine=np.diag([4.0, 3.0, 10.0, 1.0]))
    (problem,) = patient.errors().values()
    assert problem.startswith("expected the affine")


def test_issues_bear_the_code_of_the_subject(patient):
    subject = patient.check()
    assert subject.issues
    assert {issue.subject for issue in subject.issues} == {CODE}


def test_what_the_reader_warns_of_comes_first(patient, tmp_path):
    elsewhere = tmp_path / "elsewhere.nii.gz"
    (patient.folder / IMAGE).rename(elsewhere)
    (patient.folder / IMAGE).symlink_to(elsewhere)
    assert patient.check().warnings[0] == (
        "expected a file below the data set's folder. Received: a link that leads out of it; followed"
    )


def test_an_image_that_is_there_twice_is_an_error_of_the_second(patient):
    write_acdc(patient.folder.parent, "patient008")
    first, second = read_raw(patient.folder.parent).subjects
    ed, es = {"ED image": "a"}, {"ED image": "b", "ES image": "a"}
    assert duplicate_issues([(first, ed), (second, {"ED image": "b"})]) == []
    (issue,) = duplicate_issues([(first, ed), (second, ed)])
    assert (issue.level, issue.subject) == ("error", "patient008")
    assert issue.problem == f"expected an ED image of its own. Received: the ED image of subject {CODE}."
    (issue,) = duplicate_issues([(first, ed), (second, es)])
    assert issue.problem == f"expected an ES image of its own. Received: the ED image of subject {CODE}."
    assert issue.file == second.phases["ES"].image
    assert not duplicate_issues([(replace(first, vendor="B"), ed), (first, es)])
