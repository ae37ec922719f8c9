import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from cmrtf.cohort.build import prepare, read_subject
from cmrtf.core.unknown import slices_by_structure
from cmrtf.datasets.layouts import read_raw
from cmrtf.quality.checks import check_subject
from cmrtf.quality.inspection import check

DATA = Path(__file__).parents[2] / "data" / "sunnybrook"
PATIENT, CONTOURS = "SCD0000401", "SC-HF-I-5"
ALL = [0, 1, 2, 3]


@pytest.fixture
def root(tmp_path):
    """A copy to be changed."""
    return shutil.copytree(DATA, tmp_path / "sunnybrook")


def _contour(root, instance, kind):
    folder = root / "contourfiles" / CONTOURS / f"{kind}-contours"
    return folder / f"IM-0001-{instance:04d}-{kind}contour-manual.txt"


def _problem(root):
    (problem,) = read_raw(root).problems
    return str(problem)


def _polygon_ml(subject, instances, kind):
    stack = next(iter(subject.stacks.values()))
    areas = []
    for instance in instances:
        x, y = np.loadtxt(_contour(DATA, instance, kind)).T
        areas.append(abs(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2)
    return sum(areas) * stack.geometry.voxel_volume_ml


def test_ed_is_the_phase_that_has_an_epicardium():
    cohort = read_raw(DATA)
    (subject,) = cohort.subjects
    assert (cohort.format, subject.subject, subject.vendor, subject.pathology) == (
        "sunnybrook",
        PATIENT,
        "C",
        "HF-I",
    )
    assert {phase: files.frame for phase, files in subject.phases.items()} == {"ED": 1, "ES": 0}
    assert pickle.loads(pickle.dumps(subject)).phases == subject.phases  # workers of Beam get it


def test_labels_have_the_volumes_of_the_contours():
    checked = check_subject(read_raw(DATA).subjects[0])
    ed, es = checked.stacks["ED"], checked.stacks["ES"]
    outer, inner = (_polygon_ml(checked, (140, 160, 180, 200), kind) for kind in "oi")
    assert ed.volume_ml("LV") == pytest.approx(inner, rel=0.002)
    assert ed.volume_ml("MYO") == pytest.approx(outer - inner, rel=0.005)
    assert es.volume_ml("LV") == pytest.approx(_polygon_ml(checked, (127, 147, 167, 187), "i"), rel=0.002)
    prepared = read_subject(DATA, PATIENT)
    assert prepared.ed.volume_ml("LV") == pytest.approx(inner, rel=0.01)


def test_labels_lie_on_the_slices_whose_images_they_were_drawn_on():
    """Apex first: the last images of the series, so the contours of image 200, come first."""
    ed = check_subject(read_raw(DATA).subjects[0]).stacks["ED"]
    x, y = np.loadtxt(_contour(DATA, 200, "i")).T
    rows, columns = np.nonzero(ed.label_ids[0] == 1)
    assert (columns.mean(), rows.mean()) == pytest.approx((x.mean(), y.mean()), abs=1.0)
    assert ed.areas_mm2("LV")[0] == ed.areas_mm2("LV").min()


def test_what_is_not_drawn_is_unknown():
    stacks = check_subject(read_raw(DATA).subjects[0]).stacks
    assert slices_by_structure(stacks["ED"].unknown) == {"RV": ALL}
    assert slices_by_structure(stacks["ES"].unknown) == {"MYO": ALL, "RV": ALL}
    measures = read_subject(DATA, PATIENT).measures()
    assert {name for name, value in measures.items() if value is not None} == {
        "LV_EDV_ml",
        "LV_ESV_ml",
        "LV_EF_percent",
        "MYO_mass_ED_g",
    }


def test_a_slice_without_an_epicardium_has_an_unknown_myocardium(root):
    _contour(root, 140, "o").unlink()
    (subject,) = read_raw(root).subjects
    ed = check_subject(subject).stacks["ED"]
    assert slices_by_structure(ed.unknown) == {"MYO": [3], "RV": ALL}
    assert not (ed.label_ids[3] == 2).any()
    assert (ed.label_ids[3] == 1).any()


def test_an_epicardium_of_another_heart_is_not_believed(root):
    """As in the data set itself: SC-HF-I-6 has the epicardial contours of SC-HF-I-1."""
    path = _contour(root, 160, "o")
    np.savetxt(path, np.loadtxt(path) * 0.6)
    (subject,) = read_raw(root).subjects
    checked = check_subject(subject)
    assert slices_by_structure(checked.stacks["ED"].unknown)["MYO"] == [2]
    assert not (checked.stacks["ED"].label_ids[2] == 2).any()
    (warning,) = [text for text in checked.warnings if "within the epicardial ones" in text]
    assert "Received: 1 images where they cross" in warning


def test_checks_say_what_is_unknown_and_nothing_else():
    inspection = check(DATA)
    assert inspection.num_errors == 0
    assert [issue.problem.partition("Received: ")[2].partition(";")[0] for issue in inspection.issues] == [
        "none of RV",
        "none of MYO and RV",
    ]


def test_a_prepared_cohort_knows_what_is_unknown(root, tmp_path):
    """Also in another file of the same content, when only what is unknown has changed."""
    cohort = prepare(root, tmp_path / "prepared").cohort
    record = cohort.record(PATIENT)
    assert record.unknown == {"ED": {"RV": ALL}, "ES": {"MYO": ALL, "RV": ALL}}
    assert slices_by_structure(cohort[PATIENT].es.unknown) == {"MYO": ALL, "RV": ALL}
    assert slices_by_structure(cohort.unknown(record.split)) == {
        "MYO": [4, 5, 6, 7],
        "RV": [*ALL, 4, 5, 6, 7],
    }
    text = "".join(path.read_text() for path in (tmp_path / "prepared").rglob("*.json"))
    assert "1.3." not in text  # identifiers
    assert "2012" not in text.replace(record.file_sha256, "")


def test_a_contour_of_a_missing_image_is_named(root):
    _contour(root, 140, "i").rename(_contour(root, 141, "i"))
    message = _problem(root)
    assert "IM-0001-0141-icontour-manual.txt: expected an image with InstanceNumber 141 in " in message
    assert message.endswith(f"{PATIENT}. Received: none.")


def test_phases_that_cannot_be_told_apart_are_named(root):
    shutil.copy(_contour(root, 127, "i"), _contour(root, 127, "o"))
    assert (
        f"{CONTOURS}: expected epicardial contours in one phase, ED, and endocardial ones in one more at most"
        in _problem(root)
    )


def test_contours_that_are_there_twice_are_named(root):
    folder = root / "contourfiles" / CONTOURS / "more"
    folder.mkdir()
    shutil.copy(_contour(root, 140, "i"), folder)
    assert "expected one contour of its image" in _problem(root)


def test_missing_images_are_named(root):
    next(iter((root / "dicoms" / PATIENT).iterdir())).unlink()
    assert "expected 2 frames of its slice, as of others. Received: 1" in _problem(root)


def test_a_missing_folder_is_named(root):
    shutil.rmtree(root / "dicoms" / PATIENT)
    assert f"{PATIENT}: expected this folder, since link.csv names it. Received: none." in _problem(root)


def test_contours_of_nobody_are_named(root):
    shutil.copytree(root / "contourfiles" / CONTOURS, root / "contourfiles" / "SC-N-9")
    assert "SC-N-9: expected its patient in link.csv. Received: a table without SC-N-9." in _problem(root)


def test_patients_without_contours_are_skipped(root):
    shutil.copytree(root / "dicoms" / PATIENT, root / "dicoms" / "SCD0000999")
    (skipped,) = read_raw(root).skipped
    assert (skipped.subject, skipped.reason) == ("SCD0000999", "no contours")


def test_names_that_leave_the_data_set_are_refused(root):
    (root / "link.csv").write_text(f"patient_id,original_id\n{PATIENT},../../elsewhere\n")
    problems = [str(problem) for problem in read_raw(root).problems]
    assert any("link.csv: expected names of folders" in problem for problem in problems)
