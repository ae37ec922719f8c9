import json
import re

import numpy as np
import pytest

from cmrtf.datasets.base import SkippedSubject
from cmrtf.datasets.layouts import read_raw
from cmrtf.datasets.nnunet_writing import LAYOUT
from cmrtf.errors import CmrtfError
from cmrtf.quality.checks import check_subject
from generated_subjects import write_subjects
from raw_data import write_acdc


@pytest.fixture
def root(tmp_path):
    write_subjects(LAYOUT, tmp_path / "Dataset501_Hearts")
    return tmp_path / "Dataset501_Hearts"


def test_generated_subjects_are_read_back(root, tmp_path):
    subjects = {subject.name: subject for subject in write_subjects(LAYOUT, tmp_path / "again")}
    cohort = read_raw(root)
    assert (cohort.format, cohort.problems, cohort.skipped) == ("nnunet", (), ())
    assert [raw.subject for raw in cohort.subjects] == sorted(subjects)
    for raw in cohort.subjects:
        for phase, stack in check_subject(raw).stacks.items():
            np.testing.assert_array_equal(stack.label_ids, subjects[raw.subject].stacks[phase].label_ids)


@pytest.fixture
def converted(tmp_path):
    """Two patients of ACDC as nnU-Net's own conversion names them; of the second ES comes first."""
    root = tmp_path / "Dataset027_ACDC"
    for number, frames in ((1, (1, 3)), (2, (4, 2))):
        source = write_acdc(tmp_path / "acdc", f"patient00{number}")
        for frame, old in zip(frames, ("01", "03"), strict=True):
            case = f"patient00{number}_frame{frame:02d}"
            for folder, end, name in (("imagesTr", "_0000", ""), ("labelsTr", "", "_gt")):
                (root / folder).mkdir(parents=True, exist_ok=True)
                file = source / f"patient00{number}_frame{old}{name}.nii.gz"
                (root / folder / f"{case}{end}.nii.gz").write_bytes(file.read_bytes())
    (root / "imagesTs").mkdir()
    (root / "imagesTs" / "patient101_frame01_0000.nii.gz").touch()
    _describe(root)
    return root


def _describe(root, **changes):
    description = {
        "channel_names": {"0": "cineMRI"},
        "labels": {"background": 0, "RV": 1, "MLV": 2, "LVC": 3},
        "numTraining": 4,
        "file_ending": ".nii.gz",
    }
    (root / "dataset.json").write_text(json.dumps(description | changes))


def _error(root):
    with pytest.raises(CmrtfError) as caught:
        read_raw(root)
    return str(caught.value)


def test_acdc_as_nnunet_converts_it_is_read(converted, tmp_path):
    for root in (converted, converted.parent / "nnUNet_raw"):
        if root != converted:
            root.mkdir()
            converted.rename(root / converted.name)
        cohort = read_raw(root)
        assert (cohort.format, cohort.problems) == ("nnunet", ())
        assert cohort.skipped == (SkippedSubject("patient101", "test part of the data set"),)
        names = [[files.label.name for files in raw.phases.values()] for raw in cohort.subjects]
        assert names == [
            ["patient001_frame01.nii.gz", "patient001_frame03.nii.gz"],
            ["patient002_frame04.nii.gz", "patient002_frame02.nii.gz"],
        ]
        for raw, original in zip(cohort.subjects, read_raw(tmp_path / "acdc").subjects, strict=True):
            assert raw.label_to_schema == original.label_to_schema
            assert not raw.issues


def test_the_first_version_calls_things_by_other_names(converted):
    labels = {"0": "background", "1": "right ventricle", "2": "LV myocardium", "3": "Left_Ventricle"}
    (converted / "dataset.json").write_text(json.dumps({"modality": {"0": "MRI"}, "labels": labels}))
    assert read_raw(converted).subjects[0].label_to_schema == {0: 0, 3: 1, 2: 2, 1: 3}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"labels": {"background": 0, "RV": 1, "wall": 2, "LV": 3}},
            "a number for each of LV, MYO, RV, .*wall",
        ),
        (
            {"labels": {"heart": [1, 2, 3], "RV": 1, "MYO": [1, 2], "LV": 3}},
            "a number for each of LV, MYO, RV",
        ),
        ({"labels": {"RV": 1, "MYO": 1, "LV": 3}}, "a number for each"),
        ({"labels": None}, "a number for each of .*Received: none"),
        ({"channel_names": {"0": "bSSFP", "1": "T2"}}, 'channel_names of one channel, "0". Received: 2'),
        ({"channel_names": None}, "channel_names of one channel"),
        ({"file_ending": ".nrrd"}, r"file_ending \.nii or \.nii\.gz. Received: \.nrrd"),
    ],
)
def test_a_description_that_does_not_fit_is_named(converted, changes, message):
    _describe(converted, **changes)
    assert re.search(rf"dataset\.json: expected .*{message}", _error(converted))


@pytest.mark.parametrize("text", ["", "[1]", "{", "[" * 100_000, '{"a": NaN}'])
def test_a_description_that_is_none_is_named(converted, text):
    (converted / "dataset.json").write_text(text)
    assert "dataset.json: expected " in _error(converted)


def test_files_that_the_description_does_not_know_are_named(converted):
    (converted / "labelsTr" / "patient003_frame01.nii").touch()
    (converted / "imagesTr" / "patient001_frame01_0001.nii.gz").touch()
    (converted / "imagesTr" / "patient002_frame02_0000.nii.gz").unlink()
    problems = {problem.file.name: problem.problem for problem in read_raw(converted).problems}
    expected = "expected a name that ends in {}, as dataset.json says. Received: another."
    assert problems == {
        "patient003_frame01.nii": expected.format(".nii.gz"),
        "patient001_frame01_0001.nii.gz": expected.format("_0000.nii.gz"),
        "patient002_frame02.nii.gz": "expected the image patient002_frame02_0000.nii.gz beside it. "
        "Received: none.",
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [("frame03", "frame03_x"), ("frame03", "ED"), ("_frame03", "")],
)
def test_cases_whose_phase_is_a_guess_are_named(converted, old, new):
    for path in list(converted.glob("*Tr/patient001_frame03*")):
        path.rename(path.with_name(path.name.replace(old, new)))
    assert any(
        "expected cases patient001_ED and patient001_ES, or two frames such as patient001_frame01"
        in str(each)
        for each in read_raw(converted).problems
    )


def test_frames_that_hardly_differ_are_warned_of(converted):
    for folder, end in (("imagesTr", "_0000.nii.gz"), ("labelsTr", ".nii.gz")):
        ed, es = (converted / folder / f"patient001_frame{frame}{end}" for frame in ("01", "03"))
        es.write_bytes(ed.read_bytes())
    (issue,) = read_raw(converted).subjects[0].issues
    assert (issue.level, issue.problem[:49]) == (
        "warning",
        "expected an LV that is clearly larger at ED. Rece",
    )


def test_several_data_sets_need_a_choice(converted):
    for number in (1, 2):
        (converted.parent / "raw" / f"Dataset00{number}_X" / "labelsTr").mkdir(parents=True)
        (converted.parent / "raw" / f"Dataset00{number}_X" / "dataset.json").touch()
    assert "expected one data set of nnU-Net. Received: Dataset001_X, Dataset002_X" in _error(
        converted.parent / "raw"
    )


def test_cases_that_are_missing_are_told(converted):
    _describe(converted, numTraining=7)
    assert "expected the 7 cases of its numTraining. Received: " in _error(converted)


def test_a_name_of_thousands_of_digits_is_no_number(converted):
    _describe(converted, labels={"9" * 5000: "LV", "2": "MYO", "3": "RV"})
    assert "expected labels with a number for each of LV, MYO, RV" in _error(converted)
