import shutil

import nibabel as nib
import numpy as np
import pytest

from cmrtf.adaptation.predicted_set import LEFT_OUT, read_left_out, write_predicted_set
from cmrtf.adaptation.unlabelled import find_images
from cmrtf.cohort.build import prepare
from cmrtf.datasets.layouts import read_raw
from cmrtf.errors import CmrtfError


@pytest.fixture(scope="module")
def written(tmp_path_factory, unlabelled_once, segmenter):
    """To read only."""
    out = tmp_path_factory.mktemp("written") / "predicted"
    return out, write_predicted_set(out, find_images(unlabelled_once), segmenter.segment, "C")


def test_what_looks_like_a_heart_is_written_and_the_rest_is_named(written):
    out, left_out = written
    assert sorted(path.name for path in (out / "images").iterdir()) == ["P1_ED.nii.gz"]
    assert [one.code for one in left_out] == ["P2", "P3"]
    assert left_out[0].reason.startswith("ES: expected implausible labels")
    assert read_left_out(out) == left_out


def test_it_is_a_raw_data_set_that_can_be_prepared(written, tmp_path):
    out, _ = written
    (raw,) = read_raw(out).subjects
    assert (raw.subject, raw.vendor) == ("P1", "C")
    cohort = prepare(out, tmp_path / "prepared", validation_fraction=0.5).cohort
    assert cohort["P1"].ed.label_ids.any()


def test_images_are_not_called_synthetic(written):
    out, _ = written
    for folder in ("images", "labels"):
        header = nib.load(out / folder / "P1_ED.nii.gz").header
        assert header["descrip"].item() == b"cmrtf adapt, labels predicted"


def test_where_nothing_looks_like_a_heart_nothing_is_written(tmp_path, unlabelled):
    out = tmp_path / "predicted"
    blind = lambda images: np.zeros(images.shape, np.uint8)  # noqa: E731
    with pytest.raises(CmrtfError, match=r"Received: none of 3: P1 \(ED: "):
        write_predicted_set(out, find_images(unlabelled), blind, "")
    assert not out.exists()


def test_a_table_that_was_edited_is_named(written, tmp_path):
    out = shutil.copytree(written[0], tmp_path / "predicted")
    (out / LEFT_OUT).write_text("code,reason\nP1\n")
    with pytest.raises(CmrtfError, match=LEFT_OUT):
        read_left_out(out)
