import hashlib
import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from cmrtf.core.files import (
    new_file,
    new_folder,
    prune,
    require_new_file,
    require_new_folder,
    require_writable,
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
        assert folder.parent.parent == tmp_path  # beside it, so that renaming is not copying
    assert names(tmp_path) == ["out"]
    assert (tmp_path / "out" / "file").read_text() == "content"


def test_an_empty_folder_is_filled_not_replaced(tmp_path):
    """It may be where a disk is mounted, and its parent may be read-only."""
    out = tmp_path / "out"
    (out / "lost+found").mkdir(parents=True)  # which a new disk has
    number = out.stat().st_ino
    with new_folder(out) as folder:
        (folder / "file").write_text("content")
        (folder / "sub").mkdir()
        assert folder.parent.parent == out
        assert names(tmp_path) == ["out"]
    assert names(out) == ["file", "lost+found", "sub"]
    assert out.stat().st_ino == number


def test_what_was_written_last_comes_last_into_a_folder_that_is_there(tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    moved = []
    rename = type(out).rename
    monkeypatch.setattr(type(out), "rename", lambda *paths: moved.append(paths[1].name) or rename(*paths))
    with new_folder(out) as folder:
        for number, name in enumerate("bca"):
            (folder / name).touch()
            os.utime(folder / name, (number, number))
    assert moved == ["b", "c", "a"]


def test_a_folder_is_made_by_one_process(tmp_path):
    message = r"out: expected a folder that nobody else writes\. Received: one that another process is making"
    with new_folder(tmp_path / "out") as folder:
        (folder / "file").write_text("of the first")
        with pytest.raises(CmrtfError, match=message), new_folder(tmp_path / "out"):
            pass
    assert (tmp_path / "out" / "file").read_text() == "of the first"


def test_folders_with_long_names_that_begin_alike_can_be_made_at_once(tmp_path):
    with new_folder(tmp_path / ("x" * 254 + "1")), new_folder(tmp_path / ("x" * 254 + "2")):
        pass
    assert len(names(tmp_path)) == 2


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
        assert partial.parent.parent == tmp_path
        assert partial.parent.name.startswith(".")
        assert partial.name == "a.nii.gz"  # which says how it is written
    assert (names(tmp_path), path.read_text()) == (["a.nii.gz"], "new")


def test_nothing_is_left_of_a_file_that_was_stopped(tmp_path):
    def write():
        with new_file(tmp_path / "a") as partial:
            partial.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert names(tmp_path) == []


def _write_and_die(path):
    with new_file(path) as partial:
        partial.write_text("of a killed process")
        os._exit(1)


def test_remains_of_a_killed_process_are_taken_over(tmp_path):
    process = multiprocessing.get_context("fork").Process(target=_write_and_die, args=(tmp_path / "a",))
    process.start()
    process.join()
    assert names(tmp_path) == [".partial-0-a"]
    with new_file(tmp_path / "a") as partial:
        assert not partial.exists()
        partial.write_text("new")
    assert names(tmp_path) == ["a"]


def test_many_may_write_the_same_file_at_once(tmp_path):
    def write(letter):
        with new_file(tmp_path / "a") as partial, partial.open("w") as file:
            for _ in range(100):
                file.write(letter)
                file.flush()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, "abcdefghijklmnopqrstuvwxyz"))
    assert names(tmp_path) == ["a"]
    text = (tmp_path / "a").read_text()
    assert text == text[0] * 100


@pytest.mark.parametrize("place", ["", "missing/out", "there", "file"])
def test_a_place_that_can_be_written_stays_as_it_is(tmp_path, place):
    (tmp_path / "there").mkdir()
    (tmp_path / "file").write_text("mine")
    require_writable(tmp_path / place)
    assert names(tmp_path) == ["file", "there"]
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("place", ["file/out", "/proc/out", "/dev/null/out", "x" * 256, "a/" + "x" * 256])
@pytest.mark.parametrize("check", [require_writable, require_new_folder])
def test_a_place_that_cannot_be_written_is_said_beforehand(tmp_path, place, check):
    (tmp_path / "file").write_text("")
    with pytest.raises(CmrtfError, match="expected to be able to write here"):
        check(tmp_path / place)
    assert names(tmp_path) == ["file"]


def test_a_new_file_needs_a_folder_that_takes_it(tmp_path):
    require_new_file(tmp_path / "a.nii")
    with pytest.raises(CmrtfError, match=r"/proc/a\.nii: expected to be able to write here"):
        require_new_file(type(tmp_path)("/proc/a.nii"))
    with pytest.raises(CmrtfError, match="expected its folder to exist"):
        require_new_file(tmp_path / "missing" / "a.nii")
    (tmp_path / "a.nii").touch()
    with pytest.raises(CmrtfError, match="expected a file that does not exist yet"):
        require_new_file(tmp_path / "a.nii")


def test_asking_removes_what_the_dead_left_and_nothing_else(tmp_path):
    process = multiprocessing.get_context("fork").Process(target=_write_and_die, args=(tmp_path / "b",))
    process.start()
    process.join()
    (tmp_path / ".partial-of-another-program").mkdir()
    with new_file(tmp_path / "a") as partial:
        partial.write_text("of the living")
        require_writable(tmp_path)
    assert names(tmp_path) == [".partial-of-another-program", "a"]


def test_json_is_written_for_people(tmp_path):
    write_json(tmp_path / "a.json", {"é": [1]})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n  "é": [\n    1\n  ]\n}\n'


def test_pruning_removes_what_is_not_expected(tmp_path):
    prune(tmp_path / "absent", set())
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a", "b", ".hidden"):
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


def test_what_never_ends_is_not_hashed(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zeros").symlink_to("/dev/zero")
    for name in ("pipe", "zeros"):
        with pytest.raises(CmrtfError, match=rf"{name}: expected .* Received: what is not a file"):
            sha256_of(tmp_path / name)


def test_links_in_a_circle_are_a_place_where_nothing_can_be_written(tmp_path):
    (tmp_path / "circle").symlink_to("circle")
    for out in (tmp_path / "circle", tmp_path / "circle" / "inside"):
        with pytest.raises(CmrtfError, match=r"circle.*: expected"):
            require_new_folder(out)
        with pytest.raises(CmrtfError, match=r"circle.*: expected"):
            require_writable(out)
