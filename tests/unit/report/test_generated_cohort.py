import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

from cmrtf.core.locks import lock
from cmrtf.core.nifti import read_nifti
from cmrtf.datasets.layouts import read_raw
from cmrtf.errors import CmrtfError
from cmrtf.report import generated_cohort
from cmrtf.report.cohort_files import LOCK_NAME
from cmrtf.report.generated_cohort import GeneratedCohort, Request
from heart_double import RingModels, heart_source

REQUEST = Request(subjects=2, seed=3)


def save(source, request, out):
    GeneratedCohort(source, request).save(out)


def arrays(cohort):
    """File name to voxels."""
    return {path.name: read_nifti(path).data.tobytes() for path in cohort.rglob("*.nii.gz")}


def provenance_of(cohort, code):
    return json.loads((cohort / "provenance" / f"{code}.json").read_text())


@pytest.fixture(scope="module")
def source():
    return heart_source()


@pytest.fixture(scope="module")
def cohort(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("cohort") / "generated"
    save(source, REQUEST, out)
    return out


class StoppingModels(RingModels):
    """Ctrl-C while images of the second subject are synthesized."""

    def __init__(self):
        self.left = 3

    def synthesize(self, label_ids, styles):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt
        return super().synthesize(label_ids, styles)


def test_a_subject_depends_on_seed_and_number_alone(source, cohort, tmp_path):
    for request in (replace(REQUEST, subjects=1), replace(REQUEST, subjects=1, seed=4)):
        save(source, request, tmp_path / str(request.seed))
    expected = {name: voxels for name, voxels in arrays(cohort).items() if name.startswith("SYN00001")}
    assert arrays(tmp_path / "3") == expected
    assert arrays(tmp_path / "4") != expected
    assert len(set(arrays(cohort).values())) == 4


def test_subjects_in_memory_are_those_on_the_disk(source, cohort):
    subjects = GeneratedCohort(source, REQUEST)
    assert [subject.name for subject in subjects] == ["SYN00001", "SYN00002"]
    labels = read_nifti(cohort / "SYN00002" / "SYN00002_sa_gt.nii.gz").data
    for frame, stack in enumerate(subjects[-1].stacks.values()):
        np.testing.assert_array_equal(labels[..., frame].transpose(2, 1, 0), stack.label_ids)
    assert [subject.name for subject in subjects[1:]] == ["SYN00002"]
    with pytest.raises(IndexError):
        subjects[2]


def test_images_in_random_contrasts_have_the_same_labels_and_no_vendor(source, cohort, tmp_path):
    out = tmp_path / "randomised"
    save(source, replace(REQUEST, images="randomised"), out)
    usual, randomised = arrays(cohort), arrays(out)
    assert usual.keys() == randomised.keys()
    assert {name for name in usual if usual[name] == randomised[name]} == {
        name for name in usual if name.endswith("_gt.nii.gz")
    }
    assert {subject.vendor for subject in read_raw(out).subjects} == {""}
    assert provenance_of(out, "SYN00001")["images"] == "randomised"


def test_every_second_one_of_mixed_images_is_randomised(source):
    usual, randomised, mixed = (
        GeneratedCohort(source, replace(REQUEST, images=images))
        for images in ("synthetic", "randomised", "mixed")
    )
    np.testing.assert_array_equal(mixed[0].ed.image, usual[0].ed.image)
    np.testing.assert_array_equal(mixed[1].ed.image, randomised[1].ed.image)


def test_a_cohort_does_not_go_on_with_other_images(source, tmp_path):
    """One of before there was a choice has those of the GAN."""
    save(source, replace(REQUEST, subjects=1), tmp_path / "out")
    settings = tmp_path / "out/provenance/cohort.json"
    entries = json.loads(settings.read_text())
    del entries["images"], entries["checksum"]
    settings.write_text(json.dumps(entries))
    save(source, REQUEST, tmp_path / "out")
    with pytest.raises(CmrtfError, match="images"):
        save(source, replace(REQUEST, images="mixed"), tmp_path / "out")


def test_images_of_another_kind_are_refused():
    with pytest.raises(CmrtfError, match=r"images: expected one of synthetic, randomised, mixed.*'painted'"):
        replace(REQUEST, images="painted")


def test_beating_hearts_are_cines_with_the_same_ends(source, cohort, tmp_path):
    out = tmp_path / "beating"
    save(source, replace(REQUEST, subjects=1, num_frames=5), out)
    facts = provenance_of(out, "SYN00001")
    assert (facts["frames"], facts["es_frame"]) == (5, 2)
    for name in ("SYN00001_sa.nii.gz", "SYN00001_sa_gt.nii.gz"):
        beat, ends = (read_nifti(folder / "SYN00001" / name).data for folder in (out, cohort))
        assert beat.shape[3] == 5
        np.testing.assert_array_equal(beat[..., [0, 2]], ends)
    (subject,) = read_raw(out).subjects
    assert (subject.phases["ED"].frame, subject.phases["ES"].frame) == (0, 2)


def test_a_cohort_does_not_go_on_with_other_frames(source, tmp_path):
    save(source, replace(REQUEST, subjects=1), tmp_path / "out")
    with pytest.raises(CmrtfError, match=r"begun with, .*: frames None\. Received: frames 5"):
        save(source, replace(REQUEST, subjects=1, num_frames=5), tmp_path / "out")


@pytest.mark.parametrize("layout", ["nnunet", "bids"])
def test_other_layouts_hold_no_beats(source, tmp_path, layout):
    out = tmp_path / "Dataset501_Hearts"
    with pytest.raises(CmrtfError, match=f"layout: expected mnms, .* Received: {layout}"):
        GeneratedCohort(source, replace(REQUEST, num_frames=5)).save(out, layout)
    assert not out.exists()


def test_beating_hearts_in_random_contrasts_are_refused():
    with pytest.raises(CmrtfError, match="images: expected synthetic for beating hearts"):
        Request(1, num_frames=5, images="mixed")


def test_what_was_stopped_goes_on(source, cohort, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        save(replace(source, models=StoppingModels()), REQUEST, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["SYN00001", "provenance"]
    first = tmp_path / "SYN00001" / "SYN00001_sa.nii.gz"
    written_ns = first.stat().st_mtime_ns
    save(source, REQUEST, tmp_path)
    assert first.stat().st_mtime_ns == written_ns
    assert arrays(tmp_path) == arrays(cohort)
    reports = [folder / "provenance" / "report.html" for folder in (tmp_path, cohort)]
    assert reports[0].read_bytes() == reports[1].read_bytes()
    assert {path.name for path in tmp_path.rglob("*")} == {path.name for path in cohort.rglob("*")}


def test_a_second_process_on_the_same_folder_is_refused(source, tmp_path):
    refusal = "Received: one that another cmrtf generate is writing to"
    with lock(tmp_path / LOCK_NAME, ""), pytest.raises(CmrtfError, match=refusal):
        save(source, REQUEST, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [LOCK_NAME]
    save(source, REQUEST, tmp_path)


def test_a_complete_cohort_stays_as_it_is(source, cohort):
    before = {path: path.read_bytes() for path in cohort.rglob("*") if path.is_file()}
    save(source, REQUEST, cohort)
    assert {path: path.read_bytes() for path in cohort.rglob("*") if path.is_file()} == before


def test_a_cohort_grows_and_is_then_what_it_would_have_been(source, cohort, tmp_path):
    save(source, replace(REQUEST, subjects=1), tmp_path / "grown")
    first = {path: path.read_bytes() for path in tmp_path.rglob("SYN00001*") if path.is_file()}
    assert len(first) == 3
    save(source, REQUEST, tmp_path / "grown")
    assert {path: path.read_bytes() for path in first} == first
    assert arrays(tmp_path / "grown") == arrays(cohort)
    assert [raw.subject for raw in read_raw(tmp_path / "grown").subjects] == ["SYN00001", "SYN00002"]
    reports = [folder / "provenance" / "report.html" for folder in (tmp_path / "grown", cohort)]
    assert reports[0].read_bytes() == reports[1].read_bytes()


def test_codes_begin_as_they_are_asked_to(source, cohort, tmp_path):
    GeneratedCohort(source, replace(REQUEST, subjects=1)).save(tmp_path, prefix="GEN")
    assert set(arrays(tmp_path)) == {"GEN00001_sa.nii.gz", "GEN00001_sa_gt.nii.gz"}
    assert set(arrays(tmp_path).values()) < set(arrays(cohort).values())
    assert {path.name for path in (tmp_path / "provenance" / "GEN").iterdir()} == {
        "GEN00001.json",
        "cohort.json",
        "report.html",
    }


@pytest.mark.parametrize("prefix", ["", "1A", "../A", "A B", "A" * 17, "=A", "\x1bA"])
def test_a_prefix_that_is_no_beginning_of_a_name_is_refused(source, tmp_path, prefix):
    with pytest.raises(CmrtfError, match="expected a letter and up to 15 letters and digits"):
        GeneratedCohort(source, REQUEST).save(tmp_path / "out", prefix=prefix)
    assert not (tmp_path / "out").exists()


def test_a_prefix_adds_to_no_data_set_of_mnms(source, cohort):
    with pytest.raises(CmrtfError, match="expected a folder that does not exist yet"):
        GeneratedCohort(source, REQUEST).save(cohort, prefix="GEN")


@pytest.fixture
def users(tmp_path):
    """A data set of nnU-Net with labels in another order: two patients, one of them with one phase."""
    root = tmp_path / "Dataset027_ACDC"
    for folder in ("imagesTr", "labelsTr", "imagesTs"):
        (root / folder).mkdir(parents=True)
    for case in ("patient001_frame01", "patient001_frame12", "patient002_frame01"):
        (root / "imagesTr" / f"{case}_0000.nii.gz").write_bytes(b"image")
        (root / "labelsTr" / f"{case}.nii.gz").write_bytes(b"labels")
    description = {
        "channel_names": {"0": "cineMRI"},
        "labels": {"background": 0, "RV": 1, "MLV": 2, "LVC": 3},
        "numTraining": 3,
        "file_ending": ".nii.gz",
        "licence": "theirs",
    }
    (root / "dataset.json").write_text(json.dumps(description, indent=4))
    return root


def test_a_prefix_adds_to_a_data_set_of_nnunet_and_leaves_what_is_there(source, users):
    before = {path: path.read_bytes() for path in users.rglob("*.nii.gz")}
    GeneratedCohort(source, REQUEST).save(users, "nnunet", prefix="SYN")
    assert {path: path.read_bytes() for path in before} == before
    description = json.loads((users / "dataset.json").read_text())
    assert description["numTraining"] == 3 + 4 == len(list((users / "labelsTr").iterdir()))
    assert (description["licence"], description["labels"]["LVC"]) == ("theirs", 3)
    measures = json.loads((users / "provenance" / "SYN" / "SYN00001.json").read_text())["measures"]
    labels = read_nifti(users / "labelsTr" / "SYN00001_ED.nii.gz").data
    assert measures["LV_EDV_ml"] == pytest.approx((labels == 3).sum() * 1.5 * 1.5 * 20.0 / 1000.0)
    splits = json.loads((users / "splits_final.json").read_text())
    new = [f"SYN0000{number}_{phase}" for number in (1, 2) for phase in ("ED", "ES")]
    first, second = ["patient001_frame01", "patient001_frame12"], ["patient002_frame01"]
    assert splits == [{"train": new + second, "val": first}, {"train": new + first, "val": second}]
    after = {path: path.read_bytes() for path in users.rglob("*") if path.is_file()}
    GeneratedCohort(source, REQUEST).save(users, "nnunet", prefix="SYN")
    assert {path: path.read_bytes() for path in users.rglob("*") if path.is_file()} == after


def test_folds_that_are_there_stay_and_get_the_new_cases_to_train_on(source, users):
    folds = [{"train": ["patient002_frame01"], "val": ["patient001_frame01", "patient001_frame12"]}]
    (users / "splits_final.json").write_text(json.dumps(folds))
    GeneratedCohort(source, replace(REQUEST, subjects=1)).save(users, "nnunet", prefix="SYN")
    (fold,) = json.loads((users / "splits_final.json").read_text())
    assert fold["val"] == folds[0]["val"]
    assert fold["train"] == ["patient002_frame01", "SYN00001_ED", "SYN00001_ES"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": {"background": 0, "LV": 1, "MYO": 2, "RV": 3, "LA": 4}}, "Received: LA too"),
        (
            {"labels": {"background": 0, "LV": 1, "MYO": 2, "RV": 3, "heart": [1, 2, 3]}},
            "Received: heart too",
        ),
        ({"labels": {"background": 0, "LV": 1, "MYO": 2, "RV": 300}}, "Received: RV too"),
        ({"labels": {"background": 0, "tumour": 1}}, "expected labels with a number for each of LV, MYO, RV"),
        ({"channel_names": {"0": "T1", "1": "T2"}}, "expected channel_names of one channel"),
        ({"file_ending": ".png"}, "expected file_ending"),
        ({"dataset": ["a"]}, "expected files by case under dataset"),
    ],
)
def test_what_hearts_cannot_be_added_to_is_refused(source, users, changes, message):
    description = json.loads((users / "dataset.json").read_text()) | changes
    (users / "dataset.json").write_text(json.dumps(description))
    before = sorted(users.rglob("*"))
    with pytest.raises(CmrtfError, match=message):
        GeneratedCohort(source, REQUEST).save(users, "nnunet", prefix="SYN")
    assert sorted(users.rglob("*")) == before


@pytest.mark.parametrize("text", ["[" * 100_000, '{"train": [], "val": []}', "3"])
def test_folds_that_are_none_are_refused_before_anything_is_made(source, users, text):
    (users / "splits_final.json").write_text(text)
    with pytest.raises(CmrtfError, match=r"splits_final\.json: expected a list of folds"):
        GeneratedCohort(source, REQUEST).save(users, "nnunet", prefix="SYN")
    assert not (users / "provenance").exists()


def test_a_prefix_that_cases_begin_with_is_refused(source, users):
    with pytest.raises(CmrtfError, match="Received: patient, as patient001_frame01 begins"):
        GeneratedCohort(source, REQUEST).save(users, "nnunet", prefix="patient")


def test_each_subject_says_how_it_was_made(source, cohort):
    subject = provenance_of(cohort, "SYN00002")
    assert list(subject)[-12:] == [
        "conditions",
        "images",
        "frames",
        "subject",
        "subject_seed",
        "vendor",
        "centre",
        "parents",
        "phases",
        "intensity_window",
        "measures",
        "checksum",
    ]
    assert subject["synthetic"] is True
    assert subject["label_order"] == {"0": "background", "1": "LV", "2": "MYO", "3": "RV"}
    assert (subject["bundle_sha256"], subject["seed"], subject["conditions"]) == ("0" * 64, 3, [])
    assert subject["vendor"] in "AB"
    assert subject["pathology"] in ("NOR", "DCM")
    assert sum(subject["parents"].values()) == pytest.approx(1.0)
    made_again = GeneratedCohort(source, REQUEST).subject(2)
    assert subject["subject_seed"] == made_again.origin["subject_seed"]
    assert subject["measures"] == pytest.approx(made_again.measures())


@pytest.mark.parametrize("name", ["SYN00001.json", "cohort.json"])
def test_what_was_noted_is_not_to_be_changed(source, tmp_path, name):
    """Tables and pages are made of it when the cohort grows."""
    save(source, REQUEST, tmp_path / "cohort")
    file = tmp_path / "cohort" / "provenance" / name
    file.write_text(file.read_text().replace('"seed": 3', '"seed": 5'))
    with pytest.raises(CmrtfError, match=rf"{name}: expected .* changed or damaged"):
        save(source, replace(REQUEST, subjects=3), tmp_path / "cohort")


def test_measures_are_those_of_the_labels_on_the_disk(cohort):
    measures = provenance_of(cohort, "SYN00002")["measures"]
    labels = read_nifti(cohort / "SYN00002" / "SYN00002_sa_gt.nii.gz")
    voxel_ml = 1.5 * 1.5 * 20.0 / 1000.0
    edv_ml, esv_ml = ((labels.data[..., frame] == 1).sum() * voxel_ml for frame in (0, 1))
    assert measures["LV_EDV_ml"] == pytest.approx(edv_ml)
    assert measures["LV_EF_percent"] == pytest.approx(100 * (1 - esv_ml / edv_ml))


def test_a_centre_that_was_asked_for_is_told(source, tmp_path):
    save(source, Request(subjects=1, style="centre:2"), tmp_path)
    subject = provenance_of(tmp_path, "SYN00001")
    assert (subject["style"], subject["vendor"], subject["centre"]) == ("centre:2", "B", "2")
    (raw,) = read_raw(tmp_path).subjects
    assert (raw.vendor, raw.centre) == ("B", "2")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 4}, "seed 3. Received: seed 4"),
        ({"subjects": 1}, "subjects 2. Received: subjects 1"),
        ({"style": "A"}, "style sample. Received: style vendor:A"),
    ],
)
def test_another_cohort_is_not_mixed_in(source, cohort, changes, message):
    with pytest.raises(CmrtfError, match=f"to go on with it: {message}"):
        save(source, replace(REQUEST, **changes), cohort)


def test_a_folder_of_something_else_is_refused(source, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(CmrtfError, match=str(tmp_path)):
        save(source, REQUEST, tmp_path)


def test_a_place_that_cannot_be_written_is_one_message(source, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(CmrtfError, match=str(tmp_path / "file" / "out")):
        save(source, replace(REQUEST, subjects=1), tmp_path / "file" / "out")


def test_the_same_words_show_the_cohort_in_a_notebook(source):
    assert repr(GeneratedCohort(source, REQUEST)) == "GeneratedCohort(2 subjects, seed 3, sample)"


def test_a_layout_that_does_not_exist_is_refused(source, tmp_path):
    with pytest.raises(CmrtfError, match=r"layout: expected one of mnms, .*Received: 'nifti'"):
        GeneratedCohort(source, Request(1, 0)).save(tmp_path / "out", layout="nifti")


@pytest.fixture
def beam(monkeypatch):
    """Workers one after another, and none that was installed."""
    monkeypatch.setattr(generated_cohort, "require_beam", lambda: None)
    monkeypatch.setattr(
        generated_cohort, "run_on_beam", lambda work, tasks, *_: list(map(pickled(work), reversed(tasks)))
    )
    generated_cohort._opened.cache_clear()


def pickled(work):
    return pickle.loads(pickle.dumps(work))


def test_workers_make_the_same_subjects(source, cohort, tmp_path, beam):
    out = tmp_path / "by workers"
    GeneratedCohort(source, REQUEST).save(out, beam=True)
    assert arrays(out) == arrays(cohort)
    assert {path.name for path in (out / "provenance").iterdir()} == {
        path.name for path in (cohort / "provenance").iterdir()
    }


def test_workers_make_what_is_missing_alone(source, tmp_path, beam):
    save(source, replace(REQUEST, subjects=1), tmp_path / "out")
    first = tmp_path / "out" / "SYN00001" / "SYN00001_sa.nii.gz"
    written_ns = first.stat().st_mtime_ns
    GeneratedCohort(source, REQUEST).save(tmp_path / "out", beam=True)
    assert first.stat().st_mtime_ns == written_ns
    assert len(arrays(tmp_path / "out")) == 4


def test_what_workers_could_not_make_is_told_and_goes_on(source, cohort, tmp_path, beam, monkeypatch):
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(GeneratedCohort, "subject", refuse)
        with pytest.raises(CmrtfError, match=r"expected a heart\. .* So it went for 2 of 2 subjects\."):
            GeneratedCohort(source, REQUEST).save(out, beam=True)
    assert not list(out.rglob("*.txt"))
    GeneratedCohort(source, REQUEST).save(out, beam=True)
    assert arrays(out) == arrays(cohort)


def test_a_worker_of_another_version_is_refused(source, tmp_path, beam, monkeypatch):
    """Its subjects may be others, and the provenance would not say so."""

    def elsewhere(work, tasks, *_):
        monkeypatch.setattr(generated_cohort, "__version__", "0.0.9")
        list(map(work, tasks))

    monkeypatch.setattr(generated_cohort, "run_on_beam", elsewhere)
    with pytest.raises(
        CmrtfError, match=r"the same subjects: cmrtf_version .*\. Received: cmrtf_version 0\.0\.9"
    ):
        GeneratedCohort(source, REQUEST).save(tmp_path / "out", beam=True)
    assert not list(tmp_path.rglob("*.nii.gz"))


def refuse(cohort, number):
    raise CmrtfError(f"expected a heart. Received: none of number {number}.")


def test_numbers_of_workers_are_checked(source, tmp_path):
    with pytest.raises(CmrtfError, match=r"workers: expected .* Received: 0"):
        GeneratedCohort(source, REQUEST).save(tmp_path / "out", workers=0)
