import pytest

from cmrtf.datasets.readers import read_raw
from cmrtf.errors import CmrtfError


@pytest.fixture
def mixed(tmp_path, write_acdc, write_mnms, write_mnms_csv):
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


def test_no_labelled_subject_at_all_is_an_error(tmp_path, write_mnms, write_mnms_csv):
    write_mnms(tmp_path / "Unlabeled" / "A1B2C3", "A1B2C3")
    write_mnms_csv(tmp_path / "information.csv", [("A1B2C3", "A", "NOR")])
    with pytest.raises(CmrtfError, match=r"expected labelled subjects. Received: none, and 1 without labels"):
        read_raw(tmp_path)
