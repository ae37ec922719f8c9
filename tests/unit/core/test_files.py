import pytest

from cmrtf.core.files import new_folder, require_new_folder
from cmrtf.errors import CmrtfError


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_appears_when_it_is_complete(tmp_path):
    with new_folder(tmp_path / "out") as folder:
        (folder / "file").write_text("content")
        assert not (tmp_path / "out").exists()
        assert folder.parent == tmp_path  # beside it, so that renaming is not copying
    assert _names(tmp_path) == ["out"]
    assert (tmp_path / "out" / "file").read_text() == "content"


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "out").mkdir()
    with new_folder(tmp_path / "out") as folder:
        (folder / "file").write_text("content")
    assert _names(tmp_path / "out") == ["file"]


def test_parents_are_made(tmp_path):
    with new_folder(tmp_path / "a" / "b" / "out"):
        pass
    assert (tmp_path / "a" / "b" / "out").is_dir()


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt])
def test_nothing_is_left_of_a_folder_that_was_stopped(tmp_path, stop):
    def write():
        with new_folder(tmp_path / "out") as folder:
            (folder / "file").write_text("content")
            raise stop

    with pytest.raises(stop):
        write()
    assert _names(tmp_path) == []


def test_a_folder_that_holds_something_is_kept(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    message = r"out: expected a folder that does not exist yet, or an empty one\. Received: one that is taken"
    with pytest.raises(CmrtfError, match=message), new_folder(tmp_path / "out"):
        pass
    with pytest.raises(CmrtfError, match=message):
        require_new_folder(tmp_path / "out")
    assert _names(tmp_path / "out") == ["mine"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(CmrtfError, match="expected a folder that does not exist yet"):
        require_new_folder(tmp_path / "out")


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    message = r"file/out: expected to be able to write here\. Received: Not a directory"
    with pytest.raises(CmrtfError, match=message), new_folder(tmp_path / "file" / "out"):
        pass


def test_a_full_disk_is_reported_and_leaves_nothing(tmp_path):
    message = r"out: expected to be able to write here\. Received: No space left on device"
    with pytest.raises(CmrtfError, match=message), new_folder(tmp_path / "out"):
        raise OSError(28, "No space left on device")
    assert _names(tmp_path) == []


def test_a_link_to_an_empty_folder_is_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "elsewhere")
    with new_folder(tmp_path / "out") as folder:
        (folder / "file").write_text("content")
    assert (tmp_path / "out").is_symlink()
    assert _names(tmp_path / "elsewhere") == ["file"]
