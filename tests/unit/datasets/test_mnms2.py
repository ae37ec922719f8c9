import numpy as np
import pytest

from cmrtf.datasets.layouts import read_raw
from cmrtf.errors import CmrtfError
from cmrtf.quality.checks import check_subject
from raw_data import heart, image_of, save

CSV = """\
SUBJECT_CODE,DISEASE,VENDOR,SCANNER,FIELD
1,HCM,SIEMENS,Avanto,1.5
002,TRI,Philips Medical Systems,Achieva,1.5
3,NOR,GE MEDICAL SYSTEMS,Signa,3
"""
"""As a spreadsheet program may leave it: some codes have lost their zeros."""


@pytest.fixture
def cohort(tmp_path):
    """Three subjects with both axes and a cine, as published."""
    for code in ("001", "002", "003"):
        folder = tmp_path / "dataset" / code
        for phase, scale in (("ED", 1.0), ("ES", 0.8)):
            label_ids = heart(apex_first=False, scale=scale)
            for axis in ("SA", "LA"):
                save(folder / f"{code}_{axis}_{phase}.nii.gz", image_of(label_ids, code))
                save(folder / f"{code}_{axis}_{phase}_gt.nii.gz", label_ids)
            save(folder / f"{code}_SA_CINE.nii.gz", np.zeros((4, 4, 4, 2), np.uint8))
    (tmp_path / "dataset_information.csv").write_text(CSV)
    return tmp_path


def test_vendors_and_diseases_come_from_the_csv(cohort):
    for root in (cohort, cohort / "dataset"):
        raw = read_raw(root)
        assert (raw.format, raw.skipped, raw.problems) == ("mnms2", (), ())
        assert [(s.subject, s.vendor, s.pathology) for s in raw.subjects] == [
            ("001", "A", "HCM"),
            ("002", "B", "TRI"),
            ("003", "C", "NOR"),
        ]


def test_the_short_axis_is_read(cohort):
    (subject, *_) = read_raw(cohort).subjects
    assert {path.name for path in subject.files.values()} == {
        f"001_SA_{phase}{kind}.nii.gz" for phase in ("ED", "ES") for kind in ("", "_gt")
    }
    stacks = check_subject(subject).stacks
    np.testing.assert_array_equal(
        stacks["ES"].label_ids, heart(apex_first=False, scale=0.8).transpose(2, 1, 0)
    )


def test_without_the_csv_vendors_are_unknown(cohort):
    (cohort / "dataset_information.csv").unlink()
    (subject, *_) = read_raw(cohort).subjects
    assert (subject.vendor, subject.pathology) == ("", "")
    assert "expected a row for the subject in dataset_information.csv" in str(subject.issues[0])


def test_a_number_that_is_there_twice_is_no_guess(cohort):
    (cohort / "dataset_information.csv").write_text(f"{CSV}03;,,\n001.0,NOR,SIEMENS,Avanto,1.5\n")
    raw = read_raw(cohort)
    assert [subject.subject for subject in raw.subjects] == ["002", "003"]
    assert "expected one line for subject 1. Received: lines 2 and 6, which differ" in str(*raw.problems)


def test_a_table_with_semicolons_is_read(cohort):
    (cohort / "dataset_information.csv").write_text(
        "SUBJECT_CODE;DISEASE;VENDOR\n1;HCM;GE\n2;HCM;GE\n3;HCM;GE\n"
    )
    assert {subject.vendor for subject in read_raw(cohort).subjects} == {"C"}


def test_missing_columns_are_named(cohort):
    (cohort / "dataset_information.csv").write_text("SUBJECT_CODE,DISEASE\n1,HCM\n")
    with pytest.raises(CmrtfError, match=r"expected dataset_information.csv with .*without VENDOR"):
        read_raw(cohort)
    (cohort / "dataset_information.csv").rename(cohort / "dataset_information.txt")
    (cohort / "measures.csv").write_text("volume\n1\n")
    assert {subject.vendor for subject in read_raw(cohort).subjects} == {""}


def test_a_subject_without_any_label_is_skipped(cohort):
    for path in (cohort / "dataset" / "002").glob("*SA*_gt.nii.gz"):
        path.unlink()
    assert [(s.subject, s.reason) for s in read_raw(cohort).skipped] == [("002", "no labels")]


@pytest.mark.parametrize(("name", "partner"), [("003_SA_ES", "image"), ("003_SA_ES_gt", "label")])
def test_a_missing_partner_is_named(cohort, name, partner):
    (cohort / "dataset" / "003" / f"{name}.nii.gz").unlink()
    (problem,) = read_raw(cohort).problems
    assert f"expected the {partner} {name}.nii.gz beside it" in str(problem)
