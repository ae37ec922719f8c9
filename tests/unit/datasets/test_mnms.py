import re

import nibabel as nib
import numpy as np
import pytest

from cmrtf.cohort.build import prepare
from cmrtf.datasets.layouts import read_raw
from cmrtf.datasets.mnms import LAYOUT, write_table
from cmrtf.errors import CmrtfError
from cmrtf.quality.checks import check_subject
from generated_subjects import write_subjects
from raw_data import heart, of_patient, save, write_mnms, write_mnms_csv

ROWS = [("A1B2C3", "A", "DCM"), ("D4E5F6", "B", "HCM"), ("G7H8I9", "C", "")]
DIAGNOSIS_CSV = "211230_M&Ms_Dataset_information_diagnosis_opendataset.csv"


@pytest.fixture
def cohort(tmp_path):
    """Two subjects in folders of their own under the root, and the CSV."""
    for code, _, _ in ROWS[:2]:
        write_mnms(tmp_path / code, code)
    write_mnms_csv(tmp_path / DIAGNOSIS_CSV, ROWS)
    return tmp_path


def test_codes_vendors_centres_pathologies_and_frames_come_from_the_csv(cohort):
    raw = read_raw(cohort)
    assert (raw.format, raw.skipped, raw.problems) == ("mnms", (), ())
    assert [(s.subject, s.vendor, s.pathology) for s in raw.subjects] == ROWS[:2]
    assert [s.centre for s in raw.subjects] == ["1", "1"]
    assert {phase: files.frame for phase, files in raw.subjects[0].phases.items()} == {"ED": 0, "ES": 2}


def test_the_frames_of_the_phases_are_stacks(cohort):
    subject = read_raw(cohort).subjects[0]
    stacks = check_subject(subject).stacks
    for phase, scale in (("ED", 1.0), ("ES", 0.8)):
        expected = of_patient(heart(scale=scale), subject.subject)
        np.testing.assert_array_equal(stacks[phase].label_ids, expected.transpose(2, 1, 0))
    assert stacks["ES"].image.shape == stacks["ES"].label_ids.shape
    assert stacks["ES"].label_ids.dtype == np.uint8


@pytest.mark.parametrize(
    "folders",
    [
        ("Training/Labeled/A1B2C3", "Testing/D4E5F6"),
        ("Training/A1B2C3", "Validation/D4E5F6"),
        ("OpenDataset/Training/Labeled/A1B2C3", "OpenDataset/Validation/D4E5F6"),
        ("", ""),
    ],
)
def test_every_packaging_is_read(tmp_path, folders):
    for folder, (code, _, _) in zip(folders, ROWS, strict=False):
        write_mnms(tmp_path / folder, code)
    write_mnms_csv(tmp_path / DIAGNOSIS_CSV, ROWS)
    assert [s.subject for s in read_raw(tmp_path).subjects] == ["A1B2C3", "D4E5F6"]


def test_the_csv_is_found_above_a_part_of_the_tree(tmp_path):
    write_mnms(tmp_path / "Training" / "Labeled" / "A1B2C3", "A1B2C3")
    write_mnms_csv(tmp_path / DIAGNOSIS_CSV, ROWS)
    assert len(read_raw(tmp_path / "Training").subjects) == 1
    assert len(read_raw(tmp_path / "Training" / "Labeled").subjects) == 1


def test_the_older_csv_has_no_pathology_and_is_added_to_by_the_newer(cohort):
    older = cohort / "201014_M&Ms_Dataset_Information_-_opendataset.csv"
    older.write_text(
        "\ufeffExternal code,VendorName,Vendor,Centre,ED,ES\nA1B2C3,Siemens,A,1,1.0,3\nD4E5F6,GE,B,2,0,2\n"
    )
    assert read_raw(cohort).subjects[0].phases["ED"].frame == 0
    (cohort / DIAGNOSIS_CSV).unlink()
    first = read_raw(cohort).subjects[0]
    assert (first.vendor, first.pathology, first.phases["ED"].frame, first.phases["ES"].frame) == (
        "A",
        "",
        1,
        3,
    )


def test_hidden_twins_and_other_tables_are_passed_over(cohort):
    (cohort / "A1B2C3" / "._A1B2C3_sa.nii.gz").write_bytes(b"mac")
    (cohort / "measures.csv").write_text("a,b\n1,2\n")
    assert len(read_raw(cohort).subjects) == 2


def test_unlabelled_subjects_are_skipped_and_listed(tmp_path):
    write_mnms(tmp_path / "Training" / "Labeled" / "A1B2C3", "A1B2C3")
    empty = write_mnms(tmp_path / "Training" / "Unlabeled" / "G7H8I9", "G7H8I9")
    save(empty / "G7H8I9_sa_gt.nii.gz", np.zeros((40, 44, 6, 4), np.uint8))
    write_mnms_csv(tmp_path / DIAGNOSIS_CSV, ROWS)
    raw = read_raw(tmp_path)
    assert [s.subject for s in raw.subjects] == ["A1B2C3"]
    assert [(s.subject, s.reason) for s in raw.skipped] == [("G7H8I9", "unlabelled part of the data set")]


@pytest.mark.parametrize("folder", ["Training/G7H8I9", ""])
@pytest.mark.parametrize("label", ["missing", "empty", "real"])
def test_vendor_c_is_skipped_when_it_has_no_labels(tmp_path, label, folder):
    write_mnms(tmp_path / "Training" / "A1B2C3", "A1B2C3")
    path = write_mnms(tmp_path / folder, "G7H8I9") / "G7H8I9_sa_gt.nii.gz"
    if label == "missing":
        path.unlink()
    elif label == "empty":
        save(path, np.zeros((40, 44, 6, 4), np.uint8))
    write_mnms_csv(tmp_path / DIAGNOSIS_CSV, ROWS)
    raw = read_raw(tmp_path)
    assert not raw.problems
    assert [s.subject for s in raw.skipped] == ([] if label == "real" else ["G7H8I9"])


@pytest.mark.parametrize("part", ["Validation", "Testing", "Training/Labeled"])
def test_vendor_c_without_labels_is_named_where_all_have_labels(tmp_path, part):
    write_mnms(tmp_path / "Training" / "Labeled" / "A1B2C3", "A1B2C3")
    (write_mnms(tmp_path / part / "G7H8I9", "G7H8I9") / "G7H8I9_sa_gt.nii.gz").unlink()
    write_mnms_csv(tmp_path / DIAGNOSIS_CSV, ROWS)
    (problem,) = read_raw(tmp_path).problems
    assert "G7H8I9_sa.nii.gz: expected the label" in str(problem)


def test_a_foreign_vendor_and_a_spelled_out_pathology_are_unknown(cohort):
    write_mnms_csv(cohort / DIAGNOSIS_CSV, [("A1B2C3", "Siemens", "DCM of John Doe"), *ROWS[1:]])
    subject = read_raw(cohort).subjects[0]
    assert (subject.vendor, subject.pathology) == ("", "")
    assert "expected a vendor from A to D for the subject; taken as unknown" in str(subject.issues[0])


def test_a_label_without_image_is_named(cohort):
    (cohort / "A1B2C3" / "A1B2C3_sa.nii.gz").unlink()
    (problem,) = read_raw(cohort).problems
    assert "A1B2C3_sa_gt.nii.gz: expected the image A1B2C3_sa.nii.gz beside it" in str(problem)


def test_an_image_without_label_is_named(cohort):
    (cohort / "A1B2C3" / "A1B2C3_sa_gt.nii.gz").unlink()
    (problem,) = read_raw(cohort).problems
    assert "A1B2C3_sa.nii.gz: expected the label A1B2C3_sa_gt.nii.gz beside it" in str(problem)


def test_a_code_that_the_csv_lacks_is_named(cohort):
    write_mnms_csv(cohort / DIAGNOSIS_CSV, ROWS[1:])
    (problem,) = read_raw(cohort).problems
    assert "expected a row External code = A1B2C3 in the M&Ms CSV" in str(problem)


def test_a_code_that_is_there_twice_is_named(cohort):
    write_mnms(cohort / "copy", "A1B2C3")
    problems = read_raw(cohort).problems
    assert {problem.file.parent.name for problem in problems} == {"A1B2C3", "copy"}
    assert all("expected subject A1B2C3 once. Received: more" in str(problem) for problem in problems)


@pytest.mark.parametrize("text", ["", "nan", "1.5", "-1", "x"])
def test_a_frame_that_is_no_number_is_named(cohort, text):
    (cohort / DIAGNOSIS_CSV).write_text(f"External code,Vendor,ED,ES\nA1B2C3,A,0,{text}\nD4E5F6,B,0,2\n")
    (problem,) = read_raw(cohort).problems
    assert f"{DIAGNOSIS_CSV}: expected the ES frame of A1B2C3" in str(problem)


def test_a_frame_outside_the_file_is_named(cohort):
    (cohort / DIAGNOSIS_CSV).write_text("External code,Vendor,ED,ES\nA1B2C3,A,0,4\nD4E5F6,B,0,2\n")
    issue, *_ = check_subject(read_raw(cohort).subjects[0]).issues
    assert re.search(r"_sa\.nii\.gz: expected frame 4 .*Received: a file of 4 frames", str(issue))


def test_a_frame_without_labels_is_named(cohort):
    (cohort / DIAGNOSIS_CSV).write_text("External code,Vendor,ED,ES\nA1B2C3,A,0,1\nD4E5F6,B,0,2\n")
    issue, *_ = check_subject(read_raw(cohort).subjects[0]).issues
    assert re.search(r"_sa_gt\.nii\.gz: .*frame 1 .*Received: an empty mask", str(issue))


def test_no_csv_is_an_error(cohort):
    (cohort / DIAGNOSIS_CSV).unlink()
    with pytest.raises(
        CmrtfError, match=r"expected the M&Ms CSV .* External code, Vendor, ED, ES.*no CSV file"
    ):
        read_raw(cohort)


def test_missing_columns_are_named(cohort):
    (cohort / DIAGNOSIS_CSV).write_text("External code,Vendor\nA1B2C3,A\n")
    with pytest.raises(CmrtfError, match=r"Received: 211230.*\.csv without ED, ES\."):
        read_raw(cohort)


def test_an_empty_csv_is_an_error(cohort):
    (cohort / DIAGNOSIS_CSV).write_text("")
    with pytest.raises(CmrtfError, match=r"Received: 211230.*\.csv without External code, Vendor, ED, ES\."):
        read_raw(cohort)


@pytest.fixture
def written(tmp_path):
    return tmp_path / "generated", write_subjects(LAYOUT, tmp_path / "generated")


def test_generated_subjects_are_prepared_with_the_same_labels(written, tmp_path):
    root, subjects = written
    built = prepare(root, tmp_path / "prepared", "mnms", 0.5)
    assert not built.warnings
    for subject in subjects:
        record, prepared = built.cohort.record(subject.name), built.cohort[subject.name]
        assert (record.vendor, record.centre, record.pathology) == ("B", "2", "DCM")
        assert not record.stack_flipped
        np.testing.assert_allclose(record.geometry.to_source[:3, :3], np.eye(3), atol=1e-6)
        x, y, _ = -np.rint(record.geometry.to_source[:3, 3]).astype(int)
        for phase, stack in prepared.stacks.items():
            expected = np.roll(subject.stacks[phase].label_ids, (x, y), axis=(2, 1))
            np.testing.assert_array_equal(stack.label_ids, expected)


def test_what_a_spreadsheet_would_compute_is_quoted(tmp_path):
    write_table(tmp_path, [{"External code": "=1", "Vendor": "A", "ED": 0, "ES": -1}])
    (table,) = tmp_path.iterdir()
    assert table.read_text().splitlines()[1] == "0,'=1,,A,,0,-1,,,,,"


def test_generated_files_are_cines_of_two_frames_that_say_what_they_are(written):
    root, subjects = written
    for subject in subjects:
        files = (root / subject.name / f"{subject.name}_{kind}.nii.gz" for kind in ("sa", "sa_gt"))
        image, labels = map(nib.load, files)
        assert image.shape == labels.shape == (128, 128, 6, 2)
        assert image.header.get_zooms() == pytest.approx((1.5, 1.5, 10.0, 0.3))
        assert bytes(image.header["descrip"]).rstrip(b"\0") == b"synthetic, cmrtf"
        assert (image.get_data_dtype(), labels.get_data_dtype()) == (np.float32, np.uint8)


@pytest.mark.parametrize("kind", ["sa", "sa_gt"])
@pytest.mark.parametrize("frames", [None, 1])
def test_generated_files_that_are_no_cine_of_both_phases_are_named(written, kind, frames):
    root, (subject, *_) = written
    file = root / subject.name / f"{subject.name}_{kind}.nii.gz"
    image = nib.load(file)
    data = np.asarray(image.dataobj)
    nib.save(nib.Nifti1Image(data[..., 0] if frames is None else data[..., :frames], image.affine), file)
    with pytest.raises(CmrtfError, match=r"_sa\.nii\.gz: expected a cine of 2 frames or more"):
        LAYOUT.read_subject(root, subject.name, subject.ed.intensity_window)


def test_a_letter_that_is_not_the_vendors_is_warned_of(cohort):
    table = next(cohort.rglob("*.csv"))
    table.write_text(table.read_text().replace(",Name,A,", ",Philips,A,"))
    issues = [issue.problem for subject in read_raw(cohort).subjects for issue in subject.issues]
    assert issues
    assert all("Received: Vendor A, and a VendorName that is Philips" in text for text in issues)


def test_a_code_with_a_line_break_is_no_missing_subject(cohort):
    write_mnms(cohort / "odd", "A\n1")
    assert any("A" in issue.subject for issue in read_raw(cohort).problems)
