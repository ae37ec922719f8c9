"""Volumes that no subject claims, in each layout."""

import numpy as np
import pytest

from cmrtf.cohort.build import prepare
from cmrtf.datasets.layouts import read_raw
from raw_data import heart, save, write_acdc, write_mnms, write_mnms_csv

NAMES = ("A_SA.NII.GZ", "B_sa.nii.gz.part", "c.mha", "d.nrrd")


def _acdc(root):
    write_acdc(root, "patient001")
    return root / "patient001", ("patient001_4d.nii.gz", "patient001_frame02.nii.gz")


def _mnms(root):
    write_mnms(root / "A1", "A1")
    write_mnms_csv(root / "information.csv", [("A1", "A", "NOR")])
    return root / "A1", ()


def _mnms2(root):
    for phase, scale in (("ED", 1.0), ("ES", 0.8)):
        for end in ("", "_gt"):
            save(root / "dataset" / "001" / f"001_SA_{phase}{end}.nii.gz", heart(scale=scale))
    return root / "dataset" / "001", ("001_SA_CINE.nii.gz", "001_LA_ED.nii.gz", "001_LA_ED_gt.nii.gz")


def _folder(root):
    for kind in ("image", "label"):
        save(root / kind / "p1_ED.nii.gz", heart())
    text = "images: image/{subject}_{phase}.nii.gz\nlabels: label/{subject}_{phase}.nii.gz\n"
    (root / "cmrtf.yaml").write_text(f"{text}label_values: {{LV: 1, MYO: 2, RV: 3}}\n")
    return root / "image", ("p2_ED.nii.gz",)


@pytest.mark.parametrize("write", [_acdc, _mnms, _mnms2, _folder])
def test_volumes_that_no_subject_claims_are_named(tmp_path, write):
    folder, passed_over = write(tmp_path)
    for name in (*passed_over, ".hidden.nii", "notes.txt"):
        save(folder / f"{name}.nii", np.zeros((2, 2, 2), np.uint8))
        (folder / f"{name}.nii").rename(folder / name)
    assert read_raw(tmp_path).warnings == ()
    for name in NAMES:
        (folder / name).touch()
    (warning,) = read_raw(tmp_path).warnings
    assert (warning.level, warning.file, warning.subject) == ("warning", folder / NAMES[0], "")
    assert f"Received: 4 others: {', '.join(NAMES)}; left out" in warning.problem


def test_volumes_in_the_folder_of_another_patient_are_named(tmp_path):
    folder, _ = _acdc(tmp_path)
    (folder / "patient009_frame01.nii.gz").touch()
    (warning,) = read_raw(tmp_path).warnings
    assert "1 others: patient009_frame01.nii.gz" in warning.problem


def test_subjects_of_a_table_without_files_are_counted(tmp_path, caplog):
    for code in ("A1", "B2"):
        write_mnms(tmp_path / "raw" / code, code)
    write_mnms_csv(
        tmp_path / "raw" / "information.csv", [(code, "A", "NOR") for code in ("A1", "B2", "C3", "D4")]
    )
    (warning,) = read_raw(tmp_path / "raw").warnings
    assert warning.problem.endswith("Received: 2 subjects of the table have no files: C3, D4")
    (tmp_path / "raw" / "information.csv").rename(
        tmp_path / "information.csv"
    )  # of all parts of the data set
    assert read_raw(tmp_path / "raw").warnings == ()
    (tmp_path / "information.csv").rename(tmp_path / "raw" / "information.csv")
    prepare(tmp_path / "raw", tmp_path / "prepared")
    assert "2 subjects of the table have no files" in caplog.text
