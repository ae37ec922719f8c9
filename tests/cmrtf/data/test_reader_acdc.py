import numpy as np
import pytest

from cmrtf.data.readers import read_raw
from cmrtf.errors import CmrtfError


@pytest.fixture
def patient(tmp_path, write_acdc):
    return write_acdc(tmp_path / "training", "patient007")


def _problem(patient):
    (problem,) = read_raw(patient.parent).problems
    return problem


def test_frames_count_from_zero_and_labels_are_in_our_order(patient, heart):
    found = read_raw(patient.parent.parent)
    (subject,) = found.subjects
    assert (found.format, subject.subject, subject.vendor, subject.pathology) == (
        "acdc",
        "patient007",
        "A",
        "DCM",
    )
    assert {phase: files.frame for phase, files in subject.phases.items()} == {"ED": 0, "ES": 2}
    np.testing.assert_array_equal(subject.load()["ES"].label_ids, heart(apex_first=False, scale=0.8))


def test_group_and_frame_count_may_be_missing(patient):
    (patient / "Info.cfg").write_text("ED: 1\nES: 3\n")
    assert read_raw(patient.parent).subjects[0].pathology == ""


def test_test_patients_without_labels_are_skipped(tmp_path, patient, write_acdc):
    blind = write_acdc(tmp_path / "testing", "patient101")
    for path in blind.glob("*_gt.nii.gz"):
        path.unlink()
    found = read_raw(tmp_path)
    assert [s.subject for s in found.subjects] == ["patient007"]
    assert [s.subject for s in found.skipped] == ["patient101"]


def test_a_missing_info_is_named(patient):
    (patient / "Info.cfg").unlink()
    assert "Info.cfg: expected ACDC's lines ED, ES and Group. Received: No such file" in _problem(patient)


@pytest.mark.parametrize(
    "info", ["ED: 1\n", "ED: 1\nES: x\n", "ED: 1\nES: 0\n", "ED: 1\nES: 9\nNbFrame: 4\n"]
)
def test_a_wrong_frame_is_named(patient, info):
    (patient / "Info.cfg").write_text(info)
    assert "Info.cfg: expected the frame of ES, from 1 to" in _problem(patient)


@pytest.mark.parametrize("name", ["patient007_frame03.nii.gz", "patient007_frame03_gt.nii.gz"])
def test_a_missing_file_is_named(patient, name):
    (patient / name).unlink()
    assert f"{name}: expected this file, as Info.cfg says ES: 3" in _problem(patient)


def test_a_frame_file_with_several_frames_is_named(patient, save):
    cine = np.ones((40, 44, 6, 2), np.uint8)
    save(patient / "patient007_frame03.nii.gz", cine)
    save(patient / "patient007_frame03_gt.nii.gz", cine)
    with pytest.raises(CmrtfError, match=r"frame03\.nii\.gz: expected a single frame"):
        read_raw(patient.parent).subjects[0].load()


def test_the_real_patients_are_all_found(real_acdc):
    found = read_raw(real_acdc)
    assert (len(found.subjects), found.skipped, found.problems) == (50, (), ())
    assert {s.pathology for s in found.subjects} == {"DCM", "HCM", "MINF", "NOR", "RV"}
