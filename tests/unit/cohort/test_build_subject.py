from dataclasses import replace

import pytest

from cmrtf.cohort.build_subject import inputs_of
from cmrtf.datasets.layouts import read_raw
from cmrtf.errors import CmrtfError
from raw_data import write_acdc


@pytest.fixture
def subject(tmp_path):
    write_acdc(tmp_path, "patient001")
    (subject,) = read_raw(tmp_path).subjects
    return subject


def test_inputs_know_no_folder_but_all_that_counts(subject, tmp_path):
    write_acdc(tmp_path / "elsewhere", "patient001")
    (moved,) = read_raw(tmp_path / "elsewhere").subjects
    assert inputs_of(moved) == inputs_of(subject)
    phases = {"ED": replace(subject.phases["ED"], frame=1), "ES": subject.phases["ES"]}
    others = ({"subject": "X"}, {"vendor": "B"}, {"centre": "2"}, {"pathology": "HCM"}, {"phases": phases})
    assert not [change for change in others if inputs_of(replace(subject, **change)) == inputs_of(subject)]


def test_a_file_that_cannot_be_read_is_named(subject):
    subject.files["ED label"].unlink()
    with pytest.raises(CmrtfError, match=r"_gt\.nii\.gz: expected to be able to read it\. Received: No such"):
        inputs_of(subject)
