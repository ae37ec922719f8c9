import hashlib
import subprocess
import sys

import pytest

from cmrtf.core.files import (
    lock,
    new_file,
    new_folder,
    prune,
    require_new_folder,
    sha256,
    sha256_of,
    write_json,
)
from cmrtf.errors import CmrtfError
from folders import names


def test_a_folder_appears_when_it_is_complete(tmp_path):
    with new_folder(tmp_path / "out") as folder:
        (folder / "file").write_text("content")
        assert not (tmp_path / "out").exists()
        assert folder.parent == tmp_path  # beside it, so that renaming is not copying
    assert names(tmp_path) == ["out"]
    assert (tmp_path / "out" / "file").read_text() == "content"


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "out").mkdir()
    with new_folder(tmp_path / "out") as folder:
        (folder / "file").write_text("content")
    assert names(tmp_path / "out") == ["file"]


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
    assert names(tmp_path) == []


def test_a_folder_that_holds_something_is_kept(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    message = r"out: expected a folder that does not exist yet, or an empty one\. Received: one that is taken"
    with pytest.raises(CmrtfError, match=message), new_folder(tmp_path / "out"):
        pass
    with pytest.raises(CmrtfError, match=message):
        require_new_folder(tmp_path / "out")
    assert names(tmp_path / "out") == ["mine"]


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
    assert names(tmp_path) == []


def test_a_link_to_an_empty_folder_is_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "elsewhere")
    with new_folder(tmp_path / "out") as folder:
        (folder / "file").write_text("content")
    assert (tmp_path / "out").is_symlink()
    assert names(tmp_path / "elsewhere") == ["file"]


def test_a_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "a.nii.gz"
    path.write_text("old")
    with new_file(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
        assert partial.parent == tmp_path
        assert partial.name.startswith(".")
        assert partial.name.endswith(".nii.gz")  # which says how it is written
    assert (names(tmp_path), path.read_text()) == (["a.nii.gz"], "new")


@pytest.mark.parametrize("shared", [False, True])
def test_nothing_is_left_of_a_file_that_was_stopped(tmp_path, shared):
    def write():
        with new_file(tmp_path / "a", shared) as partial:
            partial.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert names(tmp_path) == []


def test_remains_of_a_killed_process_are_written_over(tmp_path):
    with new_file(tmp_path / "a") as partial:
        partial.write_text("of a killed process")
        with new_file(tmp_path / "a") as again:
            again.write_text("new")
        assert names(tmp_path) == ["a"]
        partial.touch()


def test_two_may_write_the_same_file_at_once(tmp_path):
    with new_file(tmp_path / "a", shared=True) as one, new_file(tmp_path / "a", shared=True) as other:
        one.write_text("1")
        other.write_text("2")
    assert (tmp_path / "a").read_text() == "1"


def test_json_is_written_for_people(tmp_path):
    write_json(tmp_path / "a.json", {"é": [1]})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n  "é": [\n    1\n  ]\n}\n'


def test_a_lock_is_held_by_one_and_ends_with_its_process(tmp_path):
    path = tmp_path / "lock"
    code = (
        "import sys\nfrom pathlib import Path\nfrom cmrtf.core.files import lock\n"
        "with lock(Path(sys.argv[1]), ''):\n    print(flush=True)\n    sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with pytest.raises(CmrtfError, match="taken"), lock(path, "taken"):
            pass
        process.kill()
    with lock(path, "taken"):
        assert path.exists()


def test_pruning_removes_what_is_not_expected(tmp_path):
    prune(tmp_path / "absent", set())
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a", "b", ".partial-a"):
        (folder / name).touch()
    prune(folder, {folder / "a"})
    assert names(folder) == ["a"]
    prune(folder, set())
    assert names(tmp_path) == []


def test_hashes_of_files_are_those_of_their_content(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    assert sha256_of(tmp_path / "a") == sha256(b"content") == hashlib.sha256(b"content").hexdigest()
    with pytest.raises(CmrtfError, match=r"gone: expected to be able to read it\. Received: No such file"):
        sha256_of(tmp_path / "gone")
