import hashlib
import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from cmrtf.cohort import build as cohort_builder
from cmrtf.cohort import build_subject as subject_builder
from cmrtf.cohort.build import build_cohort
from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.cohort.folder import claimed
from cmrtf.cohort.npz_store import subject_file
from cmrtf.core.preparation import restore_intensity, to_nifti_order
from cmrtf.datasets.readers import read_raw
from cmrtf.errors import CmrtfError
from cmrtf.phantom.cohort import write_phantom_cohort
from cmrtf.quality.checks import examine


@pytest.fixture
def raw(tmp_path, write_acdc):
    for number in range(1, 4):
        write_acdc(tmp_path / "raw", f"patient{number:03d}", apex_first=number == 3)
    return tmp_path / "raw"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out" / "prepared"


def test_the_manifest_says_what_was_made(raw, out):
    built = build_cohort(raw, out, seed=7)
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["format"], manifest["version"]) == ("cmrtf-prepared-cohort", 2)
    assert (manifest["spacing_mm"], manifest["size"], manifest["seed"]) == (1.5, 128, 7)
    assert manifest["source_format"] == "acdc"
    assert manifest["label_schema"]["structures"] == ["background", "LV", "MYO", "RV"]
    assert [record.stack_flipped for record in built.cohort.records] == [True, True, False]
    codes = [f"patient{n:03d}" for n in range(1, 4)]
    assert list(manifest["subjects"][0])[:2] == ["subject", "vendor"]
    assert [record["subject"] for record in manifest["subjects"]] == codes
    stacks = [subject_file(out, record).name for record in built.cohort.records]
    assert _names(out / "subjects") == sorted([*stacks, *(f"{code}.json" for code in codes)])
    assert _names(out) == ["manifest.json", "subjects"]


def test_files_are_hashed_and_not_named(raw, out):
    built = build_cohort(raw, out)
    text = (out / "manifest.json").read_text()
    assert str(raw) not in text
    assert ".nii" not in text
    assert "/" not in text.replace('"M&Ms"', "")
    record = built.cohort.record("patient001")
    source = raw / "patient001" / "patient001_frame03_gt.nii.gz"
    assert record.source_sha256["ES label"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert record.file_sha256 == hashlib.sha256(subject_file(out, record).read_bytes()).hexdigest()
    roles = ["ED image", "ED label", "ES image", "ES label", "voxels"]
    assert list(record.source_sha256) == roles


def test_the_same_command_makes_the_same_bytes(raw, out, tmp_path):
    build_cohort(raw, out, workers=3)
    build_cohort(raw, tmp_path / "again", workers=1)
    assert len(_contents(out)) == 1 + 2 * 3
    assert _contents(out) == _contents(tmp_path / "again")


def test_skipped_subjects_and_warnings_are_recorded(
    tmp_path, out, write_mnms, write_mnms_csv, save, heart, to_image
):
    write_mnms(tmp_path / "raw" / "Unlabeled" / "A1B2C3", "A1B2C3")
    folder = write_mnms(tmp_path / "raw" / "D4E5F6", "D4E5F6")
    large = heart((100, 100, 6), scale=3.6)
    save(folder / "D4E5F6_sa.nii.gz", np.stack([to_image(large)] * 3, axis=-1))
    save(folder / "D4E5F6_sa_gt.nii.gz", np.stack([large] * 3, axis=-1))
    write_mnms_csv(tmp_path / "raw" / "information.csv", [("A1B2C3", "A", ""), ("D4E5F6", "B", "DCM")])
    built = build_cohort(tmp_path / "raw", out)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["skipped"] == [{"subject": "A1B2C3", "reason": "unlabelled part of the data set"}]
    assert [warning["subject"] for warning in manifest["warnings"]] == ["D4E5F6"]
    assert "192 mm" in built.warnings[0].warning
    assert built.cohort.subjects("train") == ("D4E5F6",)


def test_one_run_names_all_bad_subjects_and_makes_no_cohort(raw, out, save):
    (raw / "patient002" / "patient002_frame01.nii.gz").unlink()
    save(raw / "patient003" / "patient003_frame01_gt.nii.gz", np.zeros((40, 44, 6), np.uint8))
    with pytest.raises(CmrtfError) as caught:
        build_cohort(raw, out)
    message = str(caught.value)
    assert message.startswith("2 of 3 subjects cannot be used:")
    assert "patient002_frame01_gt.nii.gz: expected the image patient002_frame01.nii.gz beside it" in message
    assert "patient003_frame01_gt.nii.gz: expected a heart" in message
    assert not (out / "manifest.json").exists()


@pytest.mark.parametrize("what", ["file", "folder"])
def test_an_output_that_is_taken_is_left_alone(raw, out, what):
    out.parent.mkdir()
    if what == "file":
        out.write_text("mine")
    else:
        out.mkdir()
        (out / "mine.txt").write_text("mine")
    with pytest.raises(CmrtfError, match="expected a folder that does not exist yet, or an empty one"):
        build_cohort(raw, out)
    assert (out if what == "file" else out / "mine.txt").read_text() == "mine"


def test_an_empty_output_folder_is_used(raw, out):
    out.mkdir(parents=True)
    build_cohort(raw, out)
    assert (out / "manifest.json").is_file()


def test_an_output_that_cannot_be_written_is_named(raw, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CmrtfError, match=r"file/prepared: expected to be able to write here"):
        build_cohort(raw, tmp_path / "file" / "prepared")


@pytest.mark.parametrize(
    ("broken", "error", "raised", "message"),
    [
        ("_write_manifest", OSError(28, "No space left"), CmrtfError, "expected to be able to write here"),
        ("build_subject", KeyboardInterrupt(), KeyboardInterrupt, "^$"),
    ],
)
def test_a_run_that_ends_early_leaves_the_cohort_of_before(
    raw, out, write_acdc, monkeypatch, broken, error, raised, message
):
    build_cohort(raw, out)
    before = _contents(out)
    write_acdc(raw, "patient004")

    def fail(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(cohort_builder, broken, fail)
        with pytest.raises(raised, match=message):
            build_cohort(raw, out)
    assert before.items() <= _contents(out).items()
    assert len(PreparedCohort.open(out).subjects()) == 3
    assert build_cohort(raw, out).cohort.subjects()[3:] == ("patient004",)
    assert _names(out) == ["manifest.json", "subjects"]


def test_only_what_changed_is_prepared_again(raw, out, write_acdc, tmp_path):
    build_cohort(raw, out)
    shutil.rmtree(raw / "patient001")
    (raw / "patient002" / "Info.cfg").write_text("ED: 1\nES: 3\nGroup: HCM\n")
    write_acdc(raw, "patient004", apex_first=True)
    (out / "subjects" / "of nobody.npz").touch()
    built = build_cohort(raw, out)
    assert built.kept == 1
    assert built.cohort.subjects() == ("patient002", "patient003", "patient004")
    assert built.cohort.record("patient002").pathology == "HCM"
    fresh = build_cohort(raw, tmp_path / "fresh").cohort
    assert _names(out / "subjects") == _names(tmp_path / "fresh" / "subjects")
    for subject in fresh.subjects():
        assert built.cohort.record(subject).file_sha256 == fresh.record(subject).file_sha256


def test_a_changed_file_of_the_same_size_and_date_is_noticed(raw, out):
    """Synchronised copies keep dates."""
    gzipped = raw / "patient001" / "patient001_frame01_gt.nii.gz"
    date = gzipped.stat().st_mtime_ns
    content = gzipped.read_bytes()
    before = build_cohort(raw, out).cohort
    changed = bytearray(content)
    changed[4] ^= 1  # the date in the header of gzip, which nothing reads
    gzipped.write_bytes(changed)
    os.utime(gzipped, ns=(date, date))
    built = build_cohort(raw, out)
    assert built.kept == 2
    assert built.cohort.data_hash == before.data_hash
    assert built.cohort.record("patient001").source_sha256 != before.record("patient001").source_sha256


@pytest.mark.parametrize("damage", ["stacks", "note", "older version"])
def test_what_cannot_be_kept_is_made_again(raw, out, monkeypatch, damage):
    built = build_cohort(raw, out)
    before = _contents(out)
    if damage == "older version":
        monkeypatch.setattr(subject_builder, "PREPARATION_VERSION", 0)
    else:
        stacks = subject_file(out, built.cohort.record("patient002"))
        (stacks if damage == "stacks" else out / "subjects" / "patient002.json").write_text("{}")
    assert build_cohort(raw, out).kept == (0 if damage == "older version" else 2)
    if damage != "older version":
        assert _contents(out) == before


def test_a_cohort_of_an_earlier_version_is_prepared_again_in_its_place(raw, out):
    (out / "subjects").mkdir(parents=True)
    (out / "subjects" / "patient001.npz").touch()
    (out / "manifest.json").write_text('{"format": "cmrtf-prepared-cohort", "version": 1, "subjects": []}')
    assert len(build_cohort(raw, out).cohort.subjects()) == 3
    assert "patient001.npz" not in _names(out / "subjects")


def test_added_subjects_do_not_move_the_others_to_another_split(raw, out, write_acdc):
    before = build_cohort(raw, out, validation_fraction=0.4).cohort
    for number in range(4, 9):
        write_acdc(raw, f"patient{number:03d}")
    after = build_cohort(raw, out, validation_fraction=0.4).cohort
    assert all(after.record(code).split == before.record(code).split for code in before.subjects())
    assert len(after.subjects("validation")) == 3
    assert len(build_cohort(raw, out, validation_fraction=0.8).cohort.subjects("validation")) == 6


def test_a_second_process_on_the_same_folder_is_refused(raw, out):
    with claimed(out), pytest.raises(CmrtfError, match="Received: one that another cmrtf prepare is writing"):
        build_cohort(raw, out)
    assert build_cohort(raw, out).kept == 0


def test_a_process_that_is_killed_at_any_moment_leaves_the_old_cohort_or_the_new_one(tmp_path):
    """And what it finished is not done again."""
    old, new, out = (tmp_path / name for name in ("old", "new", "prepared"))
    write_phantom_cohort(new, subjects=8, frames=2, workers=1)
    shutil.copytree(new, old)
    for subject in sorted(old.glob("*/"))[:4]:
        shutil.rmtree(subject)
    before = build_cohort(old, out).cohort
    expected = shutil.copytree(out, tmp_path / "undisturbed")
    after = build_cohort(new, expected).cohort
    rng = np.random.default_rng()
    done = 0
    for finished in (0, 1, 3, 4):
        process = subprocess.Popen([sys.executable, "-c", PREPARE, str(new), str(out)])
        while process.poll() is None and _finished(out) < 4 + finished:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.1))
        process.kill()
        process.wait()
        cohort = PreparedCohort.open(out)
        assert cohort.data_hash in (before.data_hash, after.data_hash)
        for subject in cohort.subjects():
            cohort.load(subject)
        done, earlier = _finished(out), done
        assert done >= earlier
    assert build_cohort(new, out).kept >= done - 4
    assert _contents(out) == _contents(expected)


PREPARE = """
import sys
from pathlib import Path
from cmrtf.cohort.build import build_cohort
build_cohort(Path(sys.argv[1]), Path(sys.argv[2]), workers=1)
"""


def _finished(out):
    return len(list((out / "subjects").glob("*.json")))


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def _contents(folder):
    """File name to content, without the mark of a cohort in the making."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".preparing"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_real_patients_land_on_their_source(real_acdc, tmp_path):
    for patient in ("patient001", "patient047"):
        (tmp_path / "raw").mkdir(exist_ok=True)
        (tmp_path / "raw" / patient).symlink_to(real_acdc / patient)
    cohort = build_cohort(tmp_path / "raw", tmp_path / "prepared").cohort
    for subject in read_raw(tmp_path / "raw").subjects:
        record, volumes = cohort.record(subject.subject), cohort.load(subject.subject)
        assert record.stack_flipped
        for phase, source in examine(subject).usable_volumes().items():
            prepared = to_nifti_order(volumes[phase].label_ids)
            for label in (1, 2, 3):
                before = np.argwhere(source.label_ids == label)
                after = np.argwhere(prepared == label)
                shift = record.geometry.affine @ [*after.mean(axis=0), 1] - source.affine @ [
                    *before.mean(axis=0),
                    1,
                ]
                assert np.linalg.norm(shift) < 0.5
                before_ml = len(before) * abs(np.linalg.det(source.affine[:3, :3])) / 1000
                assert len(after) * record.geometry.voxel_volume_ml == pytest.approx(before_ml, rel=0.05)
            i, j, k = (64, 60, 4)
            x, y, z = np.rint(record.geometry.to_source @ [i, j, k, 1])[:3].astype(int)
            restored = to_nifti_order(restore_intensity(volumes[phase].image, record.intensity_window[phase]))
            patch = source.image[x - 3 : x + 4, y - 3 : y + 4, z]
            low, high = record.intensity_window[phase]
            assert restored[i - 3 : i + 4, j - 3 : j + 4, k].mean() == pytest.approx(
                np.clip(patch, low, high).mean(), rel=0.2
            )
