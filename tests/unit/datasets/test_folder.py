import numpy as np
import pytest

from cmrtf.core.unknown import slices_by_structure
from cmrtf.datasets.layouts import read_raw
from cmrtf.errors import CmrtfError
from cmrtf.quality.checks import check_subject
from raw_data import heart, image_of, save, write_acdc

BY_VENDOR = """\
images: "Vendor_{vendor}/Image/{subject}_{phase}.nii.gz"
labels: "Vendor_{vendor}/Mask/{subject}_{phase}.nii.gz"
label_values: {LV: 500, MYO: 200, RV: 600}
"""
SIDE_BY_SIDE = """\
images: "{subject}.nii.gz"
labels: "{subject}_gt.nii.gz"
label_values: {LV: 1, MYO: 2, RV: 3}
phase: ED
vendor: B
"""
VALUES = np.array([0, 500, 200, 600], np.int16)


@pytest.fixture
def by_vendor(tmp_path):
    """Two subjects in the folders of their vendors, with label values of their own."""
    for code, vendor in (("p1", "A"), ("p2", "D")):
        folder = tmp_path / f"Vendor_{vendor}"
        for phase, scale in (("ED", 1.0), ("ES", 0.8)):
            label_ids = heart(scale=scale)
            save(folder / "Image" / f"{code}_{phase}.nii.gz", image_of(label_ids, code))
            save(folder / "Mask" / f"{code}_{phase}.nii.gz", VALUES[label_ids])
    (tmp_path / "cmrtf.yaml").write_text(BY_VENDOR)
    return tmp_path


@pytest.fixture
def side_by_side(tmp_path):
    for code in ("p1", "p2"):
        save(tmp_path / f"{code}.nii.gz", image_of(heart(), code))
        save(tmp_path / f"{code}_gt.nii.gz", heart())
    (tmp_path / "cmrtf.yaml").write_text(SIDE_BY_SIDE)
    return tmp_path


def test_paths_say_vendor_subject_and_phase(by_vendor):
    cohort = read_raw(by_vendor)
    assert (cohort.format, cohort.problems) == ("folder", ())
    assert [(s.subject, s.vendor, list(s.phases)) for s in cohort.subjects] == [
        ("p1", "A", ["ED", "ES"]),
        ("p2", "D", ["ED", "ES"]),
    ]
    stacks = check_subject(cohort.subjects[0]).stacks
    np.testing.assert_array_equal(stacks["ES"].label_ids, heart(scale=0.8).transpose(2, 1, 0))


def test_the_description_says_what_paths_do_not(side_by_side):
    subjects = read_raw(side_by_side).subjects
    assert [(s.subject, s.vendor, list(s.phases)) for s in subjects] == [
        ("p1", "B", ["ED"]),
        ("p2", "B", ["ED"]),
    ]
    assert [path.name for path in subjects[0].files.values()] == ["p1.nii.gz", "p1_gt.nii.gz"]


def test_phases_may_have_other_names(by_vendor):
    for path in by_vendor.rglob("*_E?.nii.gz"):
        path.rename(path.with_name(path.name.replace("ED", "01").replace("ES", "12")))
    (by_vendor / "cmrtf.yaml").write_text(BY_VENDOR + "phase: {ED: '01', ES: '12'}\n")
    assert list(read_raw(by_vendor).subjects[0].phases) == ["ED", "ES"]


def test_a_subject_without_any_label_is_skipped(side_by_side):
    (side_by_side / "p2_gt.nii.gz").unlink()
    assert [(s.subject, s.reason) for s in read_raw(side_by_side).skipped] == [("p2", "no labels")]


@pytest.mark.parametrize(("kind", "partner"), [("Image", "image"), ("Mask", "label")])
def test_a_missing_partner_is_named(by_vendor, kind, partner):
    (by_vendor / "Vendor_A" / kind / "p1_ES.nii.gz").unlink()
    (problem,) = read_raw(by_vendor).problems
    assert f"expected the {partner} p1_ES.nii.gz beside it" in str(problem)


def test_a_subject_of_two_vendors_is_named(by_vendor):
    (by_vendor / "Vendor_B").symlink_to(by_vendor / "Vendor_A", target_is_directory=True)
    (by_vendor / "Vendor_D" / "Image" / "p2_ED.nii.gz").rename(
        by_vendor / "Vendor_D" / "Image" / "p1_ED.nii.gz"
    )
    assert "expected one vendor of subject p1, in its paths. Received: A and D" in str(
        read_raw(by_vendor).problems[0]
    )


def test_a_description_settles_what_a_folder_is(by_vendor):
    write_acdc(by_vendor, "patient001")
    assert read_raw(by_vendor).format == "folder"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("images: ", "image: ", "expected the keys images, labels, .* Received: 'image'"),
        (
            'images: "{subject}.nii.gz"\n',
            "",
            "expected images: a path with {subject} in it. Received: nothing",
        ),
        ("{subject}_gt", "gt", "expected labels: a path with {subject} in it. Received: 'gt.nii.gz'"),
        ("{subject}_gt", "{subject}_{phase}", "two patterns with the same parts in braces"),
        ("LV: 1", "LV: 2", "expected label_values: a number from 1 to 65535 for each of LV, MYO, RV"),
        ("LV: 1", "LV: 0", "expected label_values"),
        ("LV: 1, ", "", "expected label_values"),
        ("phase: ED", "phase: MD", "expected phase: ED or ES. Received: 'MD'"),
        ("phase: ED", "", "expected phase: ED or ES. Received: nothing"),
        ("vendor: B", "vendor: Siemens", "expected vendor: a letter from A to D. Received: 'Siemens'"),
        ("images", "- images", "expected a small YAML file"),
        ("vendor: B", "# " + "x" * 10_000, "expected a small YAML file. Received: more than 10000 bytes"),
    ],
)
def test_what_is_wrong_with_a_description_is_named(side_by_side, old, new, message):
    text = SIDE_BY_SIDE.replace(old, new)
    assert text != SIDE_BY_SIDE
    (side_by_side / "cmrtf.yaml").write_text(text)
    with pytest.raises(CmrtfError, match=rf"cmrtf\.yaml: .*{message}"):
        read_raw(side_by_side)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("vendor: A\n", "expected no vendor, since paths say it"),
        ("phase: {ED: 1, ES: 12}\n", "expected phase: what {phase} is in names"),
        ("phase: {ED: x, ES: x}\n", "expected phase: what {phase} is in names"),
    ],
)
def test_what_paths_say_is_not_said_again(by_vendor, line, message):
    (by_vendor / "cmrtf.yaml").write_text(BY_VENDOR + line)
    with pytest.raises(CmrtfError, match=message):
        read_raw(by_vendor)


def test_structures_without_a_value_are_unknown(side_by_side):
    for code in ("p1", "p2"):
        label_ids = heart()
        save(side_by_side / f"{code}_gt.nii.gz", label_ids * (label_ids < 3))
    text = SIDE_BY_SIDE.replace(", RV: 3", "")
    (side_by_side / "cmrtf.yaml").write_text(text)
    stack = check_subject(read_raw(side_by_side).subjects[0]).stacks["ED"]
    assert slices_by_structure(stack.unknown) == {"RV": [*range(stack.num_slices)]}
    assert stack.volume_ml("MYO") > 0
