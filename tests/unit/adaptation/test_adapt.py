import json

import numpy as np
import pytest

from cmrtf.adaptation import adapt as adapt_module
from cmrtf.adaptation import page as page_module
from cmrtf.adaptation.adapt import DATA_SET, adapt
from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.core.nifti import read_nifti, write_nifti
from cmrtf.datasets.layouts import read_raw
from cmrtf.errors import CmrtfError
from raw_data import write_acdc


class Models:
    """Images of the labels, as bright as the style says."""

    def encode_style(self, image):
        return image.mean(axis=(1, 2))[:, None].astype(np.float32)

    def synthesize(self, label_ids, styles):
        levels = np.array([-0.9, 0.8, -0.3, 0.5])[label_ids] + 0.1 * styles[:, :, None]
        return np.clip(levels, -1.0, 1.0).astype(np.float32)


class Bundle:
    models = Models()


class Networks:
    """Notes whom they are trained on."""

    def __init__(self):
        self.recipe = {"preset": "tiny"}
        self.trained_on = None

    def bundle(self, prepared, folder):
        self.trained_on = PreparedCohort.open(prepared).codes()
        return Bundle()


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """Three patients: to read only."""
    folder = tmp_path_factory.mktemp("labelled") / "acdc"
    for patient in ("patient001", "patient002", "patient003"):
        write_acdc(folder, patient)
    return folder


@pytest.fixture(autouse=True)
def no_picture(monkeypatch):
    """On pages that nobody looks at: drawing takes half of the time. test_page.py draws."""
    monkeypatch.setattr(page_module, "_picture", lambda *_: b"")


@pytest.fixture(autouse=True)
def segmenters(monkeypatch, segmenter):
    """How many were trained."""
    count = []

    def trained(*_):
        count.append(1)
        return segmenter

    monkeypatch.setattr(adapt_module, "_segmenter", trained)
    monkeypatch.setattr(adapt_module, "start_tensorflow", lambda: None)
    return count


def test_two_folders_become_a_data_set_and_a_page(labelled, unlabelled, tmp_path):
    out, networks = tmp_path / "out", Networks()
    _with_second_heart(unlabelled)
    page = adapt(labelled, unlabelled, out, networks, vendor="C", copies=2, training_steps=5)
    assert networks.trained_on == ("P1", "P4", "patient001", "patient002", "patient003")
    codes = {subject.subject for subject in read_raw(out / DATA_SET).subjects}
    assert len(codes) == 9
    assert "patient001_as_2" in codes
    assert (out / "report.html").read_text() == page.to_html()
    assert [path.name for path in (out / "predicted/images").iterdir()]


def _with_second_heart(unlabelled):
    image = unlabelled / "P1/P1_sa.nii.gz"
    volume = read_nifti(image)
    write_nifti(unlabelled / "P4.nii.gz", np.roll(volume.data, 3, 0), volume.affine)


def test_one_that_is_left_alone_lends_its_look_to_all(labelled, unlabelled, tmp_path, caplog):
    out = tmp_path / "out"
    adapt(labelled, unlabelled, out, Networks(), copies=2)
    assert "Left out 2 of 3 images" in caplog.text
    assert "each patient is copied once, to look like the one that is left" in caplog.text
    copies = sorted((out / "Dataset501_Adapted").rglob("*_as_*_0000.nii.gz"))
    assert len(copies) == 2 * 3  # ED and ES
    assert all(np.isfinite(read_nifti(path).data).all() for path in copies)


def test_what_is_done_is_kept(labelled, unlabelled, tmp_path, segmenters):
    _with_second_heart(unlabelled)
    for _ in range(2):
        page = adapt(labelled, unlabelled, tmp_path / "out", Networks(), copies=1, training_steps=5)
    assert len(segmenters) == 1
    assert page.facts["copies"] == 1


def test_other_settings_need_another_folder(labelled, unlabelled, tmp_path):
    _with_second_heart(unlabelled)
    adapt(labelled, unlabelled, tmp_path / "out", Networks(), copies=1)
    with pytest.raises(CmrtfError, match="copies 2 in place of 1"):
        adapt(labelled, unlabelled, tmp_path / "out", Networks(), copies=2)
    settings = json.loads((tmp_path / "out/adapt.json").read_text())
    assert settings["images"] == ["P1", "P2", "P3", "P4"]


def test_patients_who_are_labelled_are_not_unlabelled(labelled, unlabelled, tmp_path, segmenters):
    (unlabelled / "P1/P1_sa.nii.gz").rename(unlabelled / "patient002.nii.gz")
    with pytest.raises(CmrtfError, match=r"patient002\.nii\.gz. Are they the same patients"):
        adapt(labelled, unlabelled, tmp_path / "out", Networks())
    assert not segmenters


@pytest.mark.parametrize("kind", ["image", "cine"])
def test_images_of_labelled_patients_are_told_by_what_they_show(
    labelled, unlabelled, tmp_path, segmenters, kind
):
    """Also in another scale, in a frame of a cine, and under another name."""
    volume = read_nifti(labelled / "patient002/patient002_frame03.nii.gz")
    frame = volume.data.astype(np.float32) * 2.0
    data = frame if kind == "image" else np.stack([frame[::-1], frame], -1)
    write_nifti(unlabelled / "somebody.nii.gz", data, volume.affine, time_step_s=0.1)
    with pytest.raises(CmrtfError, match=r"somebody\.nii\.gz, which are among these too"):
        adapt(labelled, unlabelled, tmp_path / "out", Networks())
    assert not segmenters


def test_where_there_is_no_data_set_nothing_is_written(unlabelled, tmp_path):
    with pytest.raises(CmrtfError, match="expected the folder of a raw data set"):
        adapt(tmp_path / "nowhere", unlabelled, tmp_path / "out", Networks())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"vendor": "X"}, "vendor: expected one of A"),
        ({"copies": 0}, "copies:"),
        ({"training_steps": 0}, "steps"),
    ],
)
def test_impossible_arguments_are_refused_before_anything_is_written(
    labelled, unlabelled, tmp_path, wrong, message
):
    with pytest.raises(CmrtfError, match=message):
        adapt(labelled, unlabelled, tmp_path / "out", Networks(), **wrong)
    assert not (tmp_path / "out").exists()
