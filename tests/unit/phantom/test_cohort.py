import csv
import re
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

from cmrtf.datasets.mnms import CSV_NAME
from cmrtf.errors import CmrtfError
from cmrtf.phantom.cohort import make_subject, write_phantom_cohort
from cmrtf.phantom.protocol import VENDORS

pytestmark = pytest.mark.slow


def read_table(folder):
    with (folder / CSV_NAME).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    out = tmp_path_factory.mktemp("cohort") / "phantom"
    write_phantom_cohort(out, subjects=3, frames=3, seed=3, workers=1)
    return out


def test_the_table_has_the_columns_and_subjects_of_mnms(cohort):
    rows = read_table(cohort)
    expected = ",External code,VendorName,Vendor,Centre,ED,ES,Age,Pathology,Sex,Height,Weight"
    assert ",".join(rows[0]) == expected
    assert [row[""] for row in rows] == ["0", "1", "2"]
    assert sorted(row["Vendor"] for row in rows) == ["A", "A", "B"]
    assert {(row["Vendor"], row["VendorName"]) for row in rows} == {("A", "Siemens"), ("B", "Philips")}
    assert sorted(row["Pathology"] for row in rows) == ["DCM", "NOR", "NOR"]
    for row in rows:
        assert re.fullmatch(r"([A-Z]\d){3}", row["External code"])
        assert row["Sex"] in ("F", "M")
        assert int(row["ED"]) != int(row["ES"])


def test_files_are_4d_with_labels_at_ed_and_es_only(cohort):
    rows = read_table(cohort)
    assert {path.name for path in cohort.iterdir()} == {CSV_NAME, *(row["External code"] for row in rows)}
    for row in rows:
        code = row["External code"]
        image, labels = (nib.load(cohort / code / f"{code}_{kind}.nii.gz") for kind in ("sa", "sa_gt"))
        assert image.shape == labels.shape
        assert image.shape[3] == 3
        assert image.get_data_dtype() == np.int16
        assert labels.get_data_dtype() == np.uint8
        np.testing.assert_array_equal(image.affine, labels.affine)
        np.testing.assert_allclose(image.get_qform(), image.get_sform(), atol=1e-3)
        assert 0.2 < image.header.get_zooms()[3] < 0.4, "seconds per frame"
        values = np.asarray(labels.dataobj)
        labelled = [t for t in range(3) if values[..., t].any()]
        assert labelled == sorted((int(row["ED"]), int(row["ES"])))
        assert set(np.unique(values)) == {0, 1, 2, 3}
        assert (values[..., int(row["ED"])] == 1).sum() > (values[..., int(row["ES"])] == 1).sum()


def test_cohorts_are_equal_whatever_the_number_of_workers(cohort, tmp_path):
    parallel = tmp_path / "parallel"
    write_phantom_cohort(parallel, subjects=3, frames=3, seed=3, workers=2)
    assert read_table(parallel) == read_table(cohort)
    for row in read_table(cohort):
        name = f"{row['External code']}/{row['External code']}_sa.nii.gz"
        first, second = (np.asarray(nib.load(folder / name).dataobj) for folder in (cohort, parallel))
        np.testing.assert_array_equal(first, second)


def test_subjects_and_seeds_differ():
    one, other = (make_subject(np.random.SeedSequence(seed), VENDORS[0], "NOR", frames=2) for seed in (1, 2))
    assert one.physiology != other.physiology
    assert one.image.shape != other.image.shape or not np.array_equal(one.image, other.image)


def test_stacks_come_in_both_orders(subjects):
    orders = {subject.protocol.base_first for subject in subjects}
    assert orders == {False, True}
    for subject in subjects:
        areas = (subject.label_ids[..., subject.ed_frame] > 0).sum(axis=(0, 1))
        middle = len(areas) // 2
        base_is_first = areas[:middle].sum() > areas[middle:].sum()
        assert base_is_first == subject.protocol.base_first


def test_an_empty_folder_may_exist_and_nothing_else_is_left(tmp_path):
    out = tmp_path / "phantom"
    out.mkdir()
    write_phantom_cohort(out, subjects=1, frames=2, workers=1)
    assert (out / CSV_NAME).is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["phantom"]


def test_a_folder_in_use_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(CmrtfError, match=re.escape(str(tmp_path))):
        write_phantom_cohort(tmp_path, subjects=1, frames=2, workers=1)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(CmrtfError, match=re.escape(str(tmp_path / "out"))):
        write_phantom_cohort(tmp_path / "out", subjects=1, frames=2, workers=1)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(CmrtfError, match=re.escape(str(tmp_path / "file" / "out"))):
        write_phantom_cohort(tmp_path / "file" / "out", subjects=1, frames=2, workers=1)


def test_nothing_stays_behind_when_a_subject_fails(tmp_path, monkeypatch):
    def full_disk(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cmrtf.datasets.mnms.write_nifti", full_disk)
    with pytest.raises(CmrtfError, match="No space left on device"):
        write_phantom_cohort(tmp_path / "out", subjects=1, frames=2, workers=1)
    assert list(tmp_path.iterdir()) == []


def test_the_phantom_does_without_tensorflow():
    script = (
        "import sys, cmrtf.phantom.cohort; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
