import json
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from cmrtf.cohort import build_npz
from cmrtf.cohort.build import prepare, read_subject
from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.cohort.earlier import LOCK_NAME
from cmrtf.core.locks import lock
from cmrtf.core.preparation import to_nifti_order
from cmrtf.core.stack_files import image_on_file
from cmrtf.datasets.layouts import read_raw
from cmrtf.errors import CmrtfError
from cmrtf.phantom.cohort import write_phantom_cohort
from cmrtf.quality.checks import check_subject
from folders import contents, names
from raw_data import heart, image_of, save, write_acdc, write_mnms, write_mnms_csv


def test_an_output_that_cannot_be_written_is_named(raw, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CmrtfError, match=r"file/prepared: expected to be able to write here"):
        prepare(raw, tmp_path / "file" / "prepared")


@pytest.mark.parametrize(
    ("broken", "error", "raised", "message"),
    [
        ("write_manifest", OSError(28, "No space left"), CmrtfError, "expected to be able to write here"),
        ("build_subject", KeyboardInterrupt(), KeyboardInterrupt, "^$"),
    ],
)
def test_a_run_that_ends_early_leaves_the_cohort_of_before(
    raw, out, monkeypatch, broken, error, raised, message
):
    prepare(raw, out)
    before = contents(out)
    write_acdc(raw, "patient004")

    def fail(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(build_npz, broken, fail)
        with pytest.raises(raised, match=message):
            prepare(raw, out)
    assert before.items() <= contents(out).items()
    assert len(PreparedCohort.open(out).codes()) == 3
    assert prepare(raw, out).cohort.codes()[3:] == ("patient004",)
    assert names(out) == ["manifest.json", "subjects"]


def test_a_second_process_on_the_same_folder_is_refused(raw, out):
    out.mkdir(parents=True)
    refusal = "Received: one that another cmrtf prepare is writing"
    with lock(out / LOCK_NAME, ""), pytest.raises(CmrtfError, match=refusal):
        prepare(raw, out)
    assert prepare(raw, out).num_unchanged == 0


def test_a_cohort_that_is_trained_on_is_not_changed(raw, out):
    cohort = prepare(raw, out).cohort
    before = contents(out)
    refusal = "Received: one that another process trains on or evaluates with"
    with cohort.held(), pytest.raises(CmrtfError, match=refusal):
        prepare(raw, out, exclude=["patient001"])
    assert contents(out) == before
    assert len(prepare(raw, out, exclude=["patient001"]).cohort) == 2


def test_one_run_names_all_bad_subjects_and_makes_no_cohort(raw, out):
    (raw / "patient002" / "patient002_frame01.nii.gz").unlink()
    save(raw / "patient003" / "patient003_frame01_gt.nii.gz", np.zeros((40, 44, 6), np.uint8))
    with pytest.raises(CmrtfError) as caught:
        prepare(raw, out)
    message = str(caught.value)
    assert message.startswith("2 of 3 subjects cannot be used:")
    assert "patient002_frame01_gt.nii.gz: expected the image patient002_frame01.nii.gz beside it" in message
    assert "patient003_frame01_gt.nii.gz: expected a heart" in message
    assert not (out / "manifest.json").exists()


def test_skipped_subjects_and_warnings_are_recorded(tmp_path, out):
    write_mnms(tmp_path / "raw" / "Unlabeled" / "A1B2C3", "A1B2C3")
    folder = write_mnms(tmp_path / "raw" / "D4E5F6", "D4E5F6")
    large = heart((100, 100, 6), scale=3.6)
    small = heart((100, 100, 6), scale=3.4)
    save(folder / "D4E5F6_sa.nii.gz", np.stack([image_of(large), image_of(large), image_of(small)], axis=-1))
    save(folder / "D4E5F6_sa_gt.nii.gz", np.stack([large, large, small], axis=-1))
    write_mnms_csv(tmp_path / "raw" / "information.csv", [("A1B2C3", "A", ""), ("D4E5F6", "B", "DCM")])
    built = prepare(tmp_path / "raw", out)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["skipped"] == [{"subject": "A1B2C3", "reason": "unlabelled part of the data set"}]
    assert [warning["subject"] for warning in manifest["warnings"]] == ["D4E5F6"]
    assert "192 mm" in built.warnings[0].warning
    assert built.cohort.codes("train") == ("D4E5F6",)


@pytest.mark.slow
def test_a_process_that_is_killed_at_any_moment_leaves_the_old_cohort_or_the_new_one(tmp_path):
    """And what it finished is not done again."""
    old, new, out = (tmp_path / name for name in ("old", "new", "prepared"))
    write_phantom_cohort(new, subjects=6, frames=2, workers=1)
    shutil.copytree(new, old)
    for subject in sorted(old.glob("*/"))[:3]:
        shutil.rmtree(subject)
    before = prepare(old, out).cohort
    expected = shutil.copytree(out, tmp_path / "undisturbed")
    after = prepare(new, expected).cohort
    rng = np.random.default_rng()
    done = 0
    for finished in (0, 1, 3):
        process = subprocess.Popen([sys.executable, "-c", PREPARE, str(new), str(out)])
        while process.poll() is None and _finished(out) < 3 + finished:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.1))
        process.kill()
        process.wait()
        cohort = PreparedCohort.open(out)
        assert cohort.data_hash in (before.data_hash, after.data_hash)
        for code in cohort:
            cohort[code]
        done, earlier = _finished(out), done
        assert done >= earlier
    assert prepare(new, out).num_unchanged >= done - 3
    assert contents(out) == contents(expected)


PREPARE = """
import sys
from pathlib import Path
from cmrtf.cohort.build import prepare
prepare(Path(sys.argv[1]), Path(sys.argv[2]), workers=1)
"""


def _finished(out):
    return len(list((out / "subjects").glob("*.json")))


def test_real_patients_land_on_their_source(real_acdc, tmp_path):
    for patient in ("patient001", "patient047"):
        (tmp_path / "raw").mkdir(exist_ok=True)
        (tmp_path / "raw" / patient).symlink_to(real_acdc / patient)
    cohort = prepare(tmp_path / "raw", tmp_path / "prepared").cohort
    for raw in read_raw(tmp_path / "raw").subjects:
        record, subject = cohort.record(raw.subject), cohort[raw.subject]
        assert record.stack_flipped
        for phase, source in check_subject(raw).stacks.items():
            source_labels = to_nifti_order(source.label_ids)
            prepared = to_nifti_order(subject.stacks[phase].label_ids)
            for label in (1, 2, 3):
                before = np.argwhere(source_labels == label)
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
            restored = image_on_file(subject.stacks[phase])
            patch = to_nifti_order(source.image)[x - 3 : x + 4, y - 3 : y + 4, z]
            low, high = subject.stacks[phase].intensity_window
            assert restored[i - 3 : i + 4, j - 3 : j + 4, k].mean() == pytest.approx(
                np.clip(patch, low, high).mean(), rel=0.2
            )


def test_a_subject_that_is_read_is_that_of_the_cohort(raw, out):
    subject, prepared = read_subject(raw, "patient002"), prepare(raw, out).cohort["patient002"]
    assert (subject.name, subject.kind, subject.vendor, subject.pathology) == (
        "patient002",
        "source",
        "A",
        "DCM",
    )
    for phase, stack in prepared.stacks.items():
        np.testing.assert_array_equal(subject.stacks[phase].image, stack.image)
        np.testing.assert_array_equal(subject.stacks[phase].label_ids, stack.label_ids)
        np.testing.assert_array_equal(subject.stacks[phase].affine, stack.affine)
        assert subject.stacks[phase].intensity_window == stack.intensity_window


def test_a_subject_that_cannot_be_read_is_named(raw):
    with pytest.raises(CmrtfError, match=r"Received: 'patient02'\. Did you mean: patient002"):
        read_subject(raw, "patient02")
    (raw / "patient001" / "patient001_frame01.nii.gz").unlink()
    with pytest.raises(CmrtfError, match=r"patient001_frame01_gt\.nii\.gz: expected the image"):
        read_subject(raw, "patient001")


@pytest.mark.parametrize("fraction", [0.0, 1.0, 2.0, float("nan"), "0.2", None, True])
def test_a_fraction_that_is_none_is_refused(tmp_path, fraction):
    with pytest.raises(CmrtfError, match="validation_fraction: expected a number above 0 and below 1"):
        prepare(tmp_path, tmp_path / "out", validation_fraction=fraction)


@pytest.mark.parametrize("orders", [None, [5], "base-first", 5])
def test_slice_orders_and_codes_are_lists_of_texts(tmp_path, orders):
    for name in ("slice_orders", "exclude"):
        with pytest.raises(CmrtfError, match=rf"{name}: expected a list of texts\. Received: "):
            prepare(tmp_path, tmp_path / "out", **{name: orders})
    with pytest.raises(CmrtfError, match=r"slice_orders: expected a list of texts\. Received: "):
        read_subject(tmp_path, "x", slice_orders=orders)


@pytest.mark.parametrize("code", [None, 5, ["x"]])
def test_a_code_is_text(tmp_path, code):
    with pytest.raises(CmrtfError, match=r"code: expected text\. Received: "):
        read_subject(tmp_path, code)


def test_a_data_format_that_is_none_is_refused(tmp_path):
    with pytest.raises(CmrtfError, match=r"data format: expected auto, mnms, .*Received: 'xyz'"):
        prepare(tmp_path, tmp_path / "out", data_format="xyz")
