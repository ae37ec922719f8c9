import hashlib
import json

import numpy as np
import pytest

from cmrtf.data import cohort_builder
from cmrtf.data.cohort import subject_file
from cmrtf.data.cohort_builder import build_cohort
from cmrtf.data.examination import examine
from cmrtf.data.preparation import restore_intensity, to_nifti_order
from cmrtf.data.readers import read_raw
from cmrtf.errors import CmrtfError


@pytest.fixture
def raw(tmp_path, write_acdc):
    for number in range(1, 4):
        write_acdc(tmp_path / "raw", f"patient{number:03d}", apex_first=number == 3)
    return tmp_path / "raw"


@pytest.fixture
def out(tmp_path):
    """The output, and a check that nothing else is left beside it."""
    yield tmp_path / "out" / "prepared"
    beside = tmp_path / "out"
    assert not beside.exists() or all(not path.name.startswith(".") for path in beside.iterdir())


def test_the_manifest_says_what_was_made(raw, out):
    built = build_cohort(raw, out, seed=7)
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["format"], manifest["version"]) == ("cmrtf-prepared-cohort", 1)
    assert (manifest["spacing_mm"], manifest["size"], manifest["seed"]) == (1.5, 128, 7)
    assert manifest["source_format"] == "acdc"
    assert manifest["label_schema"]["structures"] == ["background", "LV", "MYO", "RV"]
    assert [record.stack_flipped for record in built.cohort.records] == [True, True, False]
    assert sorted(path.name for path in (out / "subjects").iterdir()) == [
        f"patient{n:03d}.npz" for n in range(1, 4)
    ]


def test_files_are_hashed_and_not_named(raw, out):
    built = build_cohort(raw, out)
    text = (out / "manifest.json").read_text()
    assert str(raw) not in text
    assert ".nii" not in text
    assert "/" not in text.replace('"M&Ms"', "")
    record = built.cohort.record("patient001")
    source = raw / "patient001" / "patient001_frame03_gt.nii.gz"
    assert record.source_sha256["ES label"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert record.file_sha256 == hashlib.sha256(subject_file(out, "patient001").read_bytes()).hexdigest()
    roles = ["ED image", "ED label", "ES image", "ES label", "voxels"]
    assert list(record.source_sha256) == roles


def test_the_same_command_makes_the_same_bytes(raw, out, tmp_path):
    build_cohort(raw, out, workers=3)
    build_cohort(raw, tmp_path / "again", workers=1)
    files = [path.relative_to(out) for path in sorted(out.rglob("*")) if path.is_file()]
    assert len(files) == 4
    assert all((out / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in files)


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


def test_one_run_names_all_bad_subjects_and_leaves_nothing(raw, out, save):
    (raw / "patient002" / "patient002_frame01.nii.gz").unlink()
    save(raw / "patient003" / "patient003_frame01_gt.nii.gz", np.zeros((40, 44, 6), np.uint8))
    with pytest.raises(CmrtfError) as caught:
        build_cohort(raw, out)
    message = str(caught.value)
    assert message.startswith("2 of 3 subjects cannot be used:")
    assert "patient002_frame01_gt.nii.gz: expected the image patient002_frame01.nii.gz beside it" in message
    assert "patient003_frame01_gt.nii.gz: expected a heart" in message
    assert not out.exists()


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


def test_a_full_disk_leaves_nothing(raw, out, monkeypatch):
    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cohort_builder, "_write_manifest", full_disk)
    with pytest.raises(
        CmrtfError, match=r"prepared: expected to be able to write here. Received: No space left"
    ):
        build_cohort(raw, out)
    assert not out.exists()


def test_an_interruption_leaves_nothing(raw, out, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cohort_builder, "prepare_subject", interrupt)
    with pytest.raises(KeyboardInterrupt):
        build_cohort(raw, out)
    assert not out.exists()


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
            x, y, z = np.rint(record.geometry.prepared_to_source @ [i, j, k, 1])[:3].astype(int)
            restored = to_nifti_order(restore_intensity(volumes[phase].image, record.intensity_window[phase]))
            patch = source.image[x - 3 : x + 4, y - 3 : y + 4, z]
            low, high = record.intensity_window[phase]
            assert restored[i - 3 : i + 4, j - 3 : j + 4, k].mean() == pytest.approx(
                np.clip(patch, low, high).mean(), rel=0.2
            )
