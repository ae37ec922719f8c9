import numpy as np
import pytest

from cmrtf.cohort.build import prepare
from cmrtf.errors import CmrtfError
from cmrtf.quality.inspection import check
from raw_data import save, write_acdc


@pytest.fixture
def raw(tmp_path):
    for number in (1, 2, 3):
        write_acdc(tmp_path / "raw", f"patient{number:03d}", apex_first=number > 1)
    return tmp_path / "raw"


def test_the_summary_says_what_is_there(raw):
    inspection = check(raw)
    assert inspection.summary() == {
        "format": "acdc",
        "subjects": 3,
        "usable": 3,
        "skipped": {},
        "vendors": {"A": 3},
        "pathologies": {"DCM": 3},
        "phases": {"ED": 3, "ES": 3},
        "pixel_mm": [3.0, 3.0],
        "slice_spacing_mm": [10.0, 10.0],
        "slices": [6.0, 6.0],
    }
    assert [issue.subject for issue in inspection.issues] == ["patient001"]


def test_errors_come_first_and_what_cannot_be_used_is_not_counted(raw):
    save(raw / "patient003" / "patient003_frame01_gt.nii.gz", np.zeros((40, 44, 6), np.uint8))
    inspection = check(raw)
    assert [(issue.level, issue.subject) for issue in inspection.issues] == [
        ("error", "patient003"),
        ("warning", "patient001"),
    ]
    summary = inspection.summary()
    assert (summary["subjects"], summary["usable"]) == (3, 2)


def test_nothing_usable_has_no_ranges(raw):
    for path in raw.rglob("*_gt.nii.gz"):
        path.write_bytes(b"no label")
    assert check(raw).summary()["slices"] == []


def _same_image_twice(raw):
    for name in ("frame01", "frame01_gt", "frame03", "frame03_gt"):
        content = (raw / "patient002" / f"patient002_{name}.nii.gz").read_bytes()
        (raw / "patient003" / f"patient003_{name}.nii.gz").write_bytes(content)
    return "expected an ED image of its own. Received: the ED image of subject patient002."


def _no_contrast(raw):
    image = np.zeros((40, 44, 6), np.int16)
    image[0, 0] = 1
    image[20, 20:28, 2] = range(1, 9)
    save(raw / "patient003" / "patient003_frame01.nii.gz", image)
    return "expected contrast around the heart"


def _missing_label(raw):
    (raw / "patient003" / "patient003_frame01_gt.nii.gz").unlink()
    return "expected the label patient003_frame01_gt.nii.gz beside it"


def _cut_short(raw):
    path = raw / "patient003" / "patient003_frame01.nii.gz"
    path.write_bytes(path.read_bytes()[:-1000])
    return "expected a readable NIfTI"


@pytest.mark.parametrize("spoil", [_same_image_twice, _no_contrast, _missing_label, _cut_short])
def test_what_is_an_error_is_what_preparing_refuses(raw, tmp_path, spoil):
    expected = spoil(raw)
    (error,) = [issue for issue in check(raw).issues if issue.level == "error"]
    assert expected in error.problem
    with pytest.raises(CmrtfError) as refused:
        prepare(raw, tmp_path / "prepared")
    assert str(refused.value).startswith(f"{error} The others are done")


def test_who_is_there_twice_is_counted_once(raw):
    """Three codes of one image, and one of them in two folders."""
    for number in (2, 3):
        for file in (raw / "patient001").glob("*.nii.gz"):
            name = file.name.replace("patient001", f"patient00{number}")
            (raw / f"patient00{number}" / name).write_bytes(file.read_bytes())
    write_acdc(raw, "patient004")
    write_acdc(raw / "copy", "patient004")
    inspection = check(raw)
    assert inspection.summary()["subjects"] == 4
    assert [each.raw.subject for each in inspection.facts] == ["patient001"]
    errors = [(issue.subject, issue.problem[-12:]) for issue in inspection.issues if issue.level == "error"]
    assert sorted(errors) == [
        ("patient002", " patient001."),
        ("patient003", " patient001."),
        ("patient004", "eived: more."),
        ("patient004", "eived: more."),
    ]
    assert "1 of 4 can be used" in str(inspection)


def test_who_is_excluded_is_skipped(raw):
    _missing_label(raw)
    inspection = check(raw, exclude=["patient003"])
    assert (inspection.num_errors, len(inspection.facts)) == (0, 2)
    assert inspection.summary()["skipped"] == {"excluded": 1}
    assert "skipped    1, excluded: patient003\n" in str(inspection)


def test_what_is_a_warning_stands_in_the_manifest(raw, tmp_path):
    (raw / "patient002" / "Info.cfg").write_text("ED: 3\nES: 1\n")
    warnings = [(issue.subject, issue.problem) for issue in check(raw).issues]
    built = prepare(raw, tmp_path / "prepared")
    assert [(warning.subject, warning.warning) for warning in built.warnings] == warnings
    assert len(warnings) == 2
    assert built.cohort.record("patient002").frames == {"ED": 0, "ES": 2}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"progress": "no"}, "progress: expected True or False. Received: 'no'"),
        ({"exclude": "A1"}, "exclude: expected"),
        ({"slice_orders": [5]}, "slice_orders: expected"),
        ({"workers": 0}, "workers: expected a whole number"),
    ],
)
def test_arguments_of_another_kind_are_refused(raw, arguments, message):
    with pytest.raises(CmrtfError, match=message):
        check(raw, **arguments)


def test_a_folder_that_no_system_can_name_is_refused():
    with pytest.raises(CmrtfError, match="expected the folder of a raw data set"):
        check("x\0")


def test_who_has_the_labels_of_another_is_there_twice(raw):
    """Whatever the images show: two hearts are not equal in every voxel."""
    labels = "{0}/{0}_frame03_gt.nii.gz"
    (raw / labels.format("patient003")).write_bytes((raw / labels.format("patient002")).read_bytes())
    (issue,) = [issue for issue in check(raw).issues if issue.level == "error"]
    assert issue.problem == "expected an ES label of its own. Received: the ES label of subject patient002."
