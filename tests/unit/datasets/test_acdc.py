import gzip
import re

import nibabel as nib
import numpy as np
import pytest

from cmrtf.datasets.layouts import read_raw
from cmrtf.quality.checks import check_subject
from raw_data import heart, of_patient, save, write_acdc


@pytest.fixture
def patient(tmp_path):
    return write_acdc(tmp_path / "training", "patient007")


def _problem(patient):
    (problem,) = read_raw(patient.parent).problems
    return str(problem)


def test_frames_count_from_zero_and_labels_are_in_our_order(patient):
    cohort = read_raw(patient.parent.parent)
    (subject,) = cohort.subjects
    assert (cohort.format, subject.subject, subject.vendor, subject.pathology) == (
        "acdc",
        "patient007",
        "A",
        "DCM",
    )
    assert {phase: files.frame for phase, files in subject.phases.items()} == {"ED": 0, "ES": 2}
    stacks = check_subject(subject).stacks
    expected = of_patient(heart(apex_first=False, scale=0.8), "patient007")
    np.testing.assert_array_equal(stacks["ES"].label_ids, expected.transpose(2, 1, 0))


def test_group_and_frame_count_may_be_missing(patient):
    (patient / "Info.cfg").write_text("ED: 1\nES: 3\n")
    assert read_raw(patient.parent).subjects[0].pathology == ""


def test_test_patients_without_labels_are_skipped(tmp_path, patient):
    blind = write_acdc(tmp_path / "testing", "patient101")
    for path in blind.glob("*_gt.nii.gz"):
        path.unlink()
    cohort = read_raw(tmp_path)
    assert [s.subject for s in cohort.subjects] == ["patient007"]
    assert [s.subject for s in cohort.skipped] == ["patient101"]


def test_a_missing_info_is_named(patient):
    (patient / "Info.cfg").unlink()
    assert "Info.cfg: expected ACDC's lines ED, ES and Group. Received: No such file" in _problem(patient)


@pytest.mark.parametrize("info", ["ED: 1\nES: x\n", "ED: 1\nES: 0\n", "ED: 1\nES: 9\nNbFrame: 4\n"])
def test_a_wrong_frame_is_named(patient, info):
    (patient / "Info.cfg").write_text(info)
    assert "Info.cfg: expected the frame of ES, from 1 to" in _problem(patient)


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        (("",), "frame03_gt.nii.gz: expected the image patient007_frame03.nii.gz beside it"),
        (("_gt",), "frame03.nii.gz: expected the label patient007_frame03_gt.nii.gz beside it"),
        (("", "_gt"), "Info.cfg: expected patient007_frame03.nii.gz beside it, since it says ES: 3"),
    ],
)
def test_a_missing_file_is_named(patient, missing, named):
    for suffix in missing:
        (patient / f"patient007_frame03{suffix}.nii.gz").unlink()
    assert named in _problem(patient)


@pytest.mark.parametrize("info", ["Group: DCM\n", "ED: 3\nGroup: DCM\n"])
def test_without_phases_the_larger_lv_is_ed(patient, info):
    (patient / "Info.cfg").write_text(info)
    (subject,) = read_raw(patient.parent).subjects
    assert {phase: files.frame for phase, files in subject.phases.items()} == {"ED": 0, "ES": 2}
    assert "the labelled frame with the larger LV is taken for ED" in str(subject.issues[0])


def test_without_phases_a_frame_without_lv_decides_nothing(patient):
    (patient / "Info.cfg").write_text("Group: DCM\n")
    label = heart(apex_first=False)
    save(patient / "patient007_frame03_gt.nii.gz", np.array([0, 0, 2, 1], np.uint8)[label])
    assert r"frame03_gt.nii.gz: expected LV (3), since the frame with the larger one is ED" in _problem(
        patient
    )


def test_an_info_that_a_windows_editor_saved_is_read(patient):
    (patient / "Info.cfg").write_text("\ufeffED: 1\r\nES: 3\r\n", encoding="utf-8")
    (subject,) = read_raw(patient.parent).subjects
    assert not subject.issues


def test_an_info_that_is_no_file_is_not_waited_for(patient):
    (patient / "Info.cfg").unlink()
    (patient / "Info.cfg").symlink_to("/dev/zero")
    assert "Info.cfg: expected ACDC's lines ED, ES and Group. Received: what is not a file" in _problem(
        patient
    )


def test_without_phases_the_order_of_frames_does_not_count(patient):
    for old, new in (("01", "04"), ("01_gt", "04_gt")):
        (patient / f"patient007_frame{old}.nii.gz").rename(patient / f"patient007_frame{new}.nii.gz")
    (patient / "Info.cfg").write_text("Group: DCM\n")
    (subject,) = read_raw(patient.parent).subjects
    assert {phase: files.frame for phase, files in subject.phases.items()} == {"ED": 3, "ES": 2}


def test_without_phases_one_labelled_frame_is_not_enough(patient):
    (patient / "patient007_frame03_gt.nii.gz").unlink()
    (patient / "Info.cfg").write_text("Group: DCM\n")
    assert "Info.cfg: expected the frame of ED, from 1 to the last. Received: nothing." in _problem(patient)


def test_files_that_were_unzipped_are_read(patient):
    for path in patient.glob("*.nii.gz"):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    (subject,) = read_raw(patient.parent).subjects
    assert not [issue for issue in check_subject(subject).issues if "extension" in issue.problem]


def test_a_frame_file_with_several_frames_is_named(patient):
    cine = np.ones((40, 44, 6, 2), np.uint8)
    save(patient / "patient007_frame03.nii.gz", cine)
    save(patient / "patient007_frame03_gt.nii.gz", cine)
    issue, *_ = check_subject(read_raw(patient.parent).subjects[0]).issues
    assert re.search(r"frame03\.nii\.gz: expected a single frame", str(issue))


def test_the_real_patients_are_all_found(real_acdc):
    cohort = read_raw(real_acdc)
    assert (len(cohort.subjects), cohort.skipped, cohort.problems) == (50, (), ())
    assert {s.pathology for s in cohort.subjects} == {"DCM", "HCM", "MINF", "NOR", "RV"}


def test_an_info_that_says_two_things_is_named(patient):
    (patient / "Info.cfg").write_text("ED: 1\nES: 3\nES: 2\n")
    assert "expected ES once. Received: 3 and 2" in _problem(patient)


def test_without_phases_labels_may_have_a_slope(patient):
    (patient / "Info.cfg").write_text("Group: DCM\n")
    for path in patient.glob("*_gt.nii.gz"):
        image = nib.Nifti1Image(np.asarray(nib.load(path).dataobj).astype(np.int16) * 1000, np.eye(4))
        image.header.set_slope_inter(0.001 * (1 - 1e-10), 0)
        nib.save(image, path)
    (subject,) = read_raw(patient.parent).subjects
    assert [subject.phases[phase].frame for phase in ("ED", "ES")] == [0, 2]
