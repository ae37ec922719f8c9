import numpy as np
import pytest

from cmrtf.datasets.layouts import LAYOUTS, read_raw
from cmrtf.errors import CmrtfError
from folders import contents
from generated_subjects import WINDOW, write_subjects
from raw_data import write_acdc, write_mnms, write_mnms_csv


@pytest.fixture
def mixed(tmp_path):
    write_acdc(tmp_path / "acdc", "patient001")
    write_mnms(tmp_path / "mnms" / "A1B2C3", "A1B2C3")
    write_mnms_csv(tmp_path / "mnms" / "information.csv", [("A1B2C3", "A", "NOR")])
    return tmp_path


def test_the_layout_is_recognised(mixed):
    assert {name: read_raw(mixed / name).format for name in ("acdc", "mnms")} == {
        "acdc": "acdc",
        "mnms": "mnms",
    }


def test_two_data_sets_in_one_folder_need_a_choice(mixed):
    with pytest.raises(CmrtfError, match=r"expected one data set. Received: files of mnms and acdc"):
        read_raw(mixed)
    assert [read_raw(mixed, name).format for name in ("mnms", "acdc")] == ["mnms", "acdc"]


def test_an_unknown_layout_is_described(tmp_path):
    (tmp_path / "scan.dcm").touch()
    with pytest.raises(
        CmrtfError, match=r"known layout \(mnms: .*; acdc: .*\). Received: a folder with scan\.dcm"
    ):
        read_raw(tmp_path)


def test_an_empty_folder_is_described(tmp_path):
    with pytest.raises(CmrtfError, match="nothing in it"):
        read_raw(tmp_path)


def test_a_format_that_does_not_fit_is_described(mixed):
    with pytest.raises(CmrtfError, match=r"known layout \(mnms: "):
        read_raw(mixed / "acdc", "mnms")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(CmrtfError, match=r"gone: expected the folder of a raw data set"):
        read_raw(tmp_path / "gone")


def test_no_labelled_subject_at_all_is_an_error(tmp_path):
    write_mnms(tmp_path / "Unlabeled" / "A1B2C3", "A1B2C3")
    write_mnms_csv(tmp_path / "information.csv", [("A1B2C3", "A", "NOR")])
    with pytest.raises(CmrtfError, match=r"expected labelled subjects. Received: none, and 1 without labels"):
        read_raw(tmp_path)


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_is_written_is_read_back(tmp_path, name):
    root = tmp_path / "Dataset501_Hearts"
    for subject in write_subjects(LAYOUTS[name], root):
        stacks = LAYOUTS[name].read_subject(root, subject.name, WINDOW)
        assert list(stacks) == ["ED", "ES"]
        for phase, stack in stacks.items():
            expected = subject.stacks[phase]
            np.testing.assert_array_equal(stack.label_ids, expected.label_ids)
            np.testing.assert_allclose(stack.image, expected.image, atol=1e-5)
            np.testing.assert_allclose(stack.affine, expected.affine, atol=1e-6)
            assert stack.intensity_window == WINDOW


@pytest.mark.parametrize("name", LAYOUTS)
def test_writing_a_subject_twice_does_no_harm(tmp_path, name):
    root = tmp_path / "Dataset501_Hearts"
    subjects = write_subjects(LAYOUTS[name], root)
    before = contents(root)
    LAYOUTS[name].write_subject(root, subjects[0])
    assert contents(root).keys() == before.keys()


def test_the_name_of_a_folder_must_suit_the_layout(tmp_path):
    LAYOUTS["nnunet"].check_folder(tmp_path / "Dataset501_Hearts")
    LAYOUTS["bids"].check_folder(tmp_path / "hearts")
    with pytest.raises(CmrtfError, match=r"hearts: expected .*such as Dataset501_Hearts. Received: hearts"):
        LAYOUTS["nnunet"].check_folder(tmp_path / "hearts")
