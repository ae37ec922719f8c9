import logging
import os
import subprocess
import sys
import threading

import pytest

from cmrtf.core.locks import lock, sweep, workshop
from cmrtf.errors import CmrtfError
from folders import names

HOLD = """
import sys
from pathlib import Path
from cmrtf.core.locks import lock, workshop
with lock(Path(sys.argv[1]) / "lock", ""), workshop(Path(sys.argv[1]), "out") as folder:
    (folder / "out").mkdir()
    (folder / "out" / "file").touch()
    print(flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """Another process, which holds a lock and a workshop until it is killed."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process
        process.kill()


def test_what_a_process_holds_is_its_own_and_ends_with_it(tmp_path, other):
    with pytest.raises(CmrtfError, match="taken"), lock(tmp_path / "lock", "taken"):
        pass
    with pytest.raises(CmrtfError, match="taken"), workshop(tmp_path, "out", "taken"):
        pass
    sweep(tmp_path)
    assert names(tmp_path / ".partial-0-out") == ["cmrtf.lock", "out"]
    other.kill()
    other.wait()
    with lock(tmp_path / "lock", "taken"):
        assert names(tmp_path) == [".partial-0-out", "lock"]
    sweep(tmp_path)
    assert names(tmp_path) == ["lock"]


def test_who_makes_the_same_at_the_same_time_has_a_workshop_of_its_own(tmp_path, other):
    with workshop(tmp_path, "out") as folder:
        assert folder.name == ".partial-1-out"
        assert names(folder) == ["cmrtf.lock"]


def test_a_lock_whose_file_is_removed_is_still_held_by_one(tmp_path):
    """Who has opened the file of before waits for one that is not there any more."""
    path = tmp_path / "lock"
    order = []

    def wait():
        with lock(path, None):
            order.append("second")
            with pytest.raises(CmrtfError, match="taken"), lock(path, "taken"):
                pass

    with lock(path, "taken"):
        thread = threading.Thread(target=wait)
        thread.start()
        path.unlink()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_who_waits_says_so(tmp_path, caplog):
    held, done = threading.Event(), threading.Event()

    def hold():
        with lock(tmp_path / "lock", ""):
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    threading.Timer(0.1, done.set).start()
    with caplog.at_level(logging.INFO, "cmrtf"), lock(tmp_path / "lock", None):
        assert done.is_set()
    assert "Waiting for another process, which holds" in caplog.text
    thread.join()


@pytest.mark.parametrize("shared", [False, True])
def test_a_pipe_in_place_of_a_lock_is_named_at_once(tmp_path, shared):
    os.mkfifo(tmp_path / "lock")
    with (
        pytest.raises(CmrtfError, match="lock: expected a lock"),
        lock(tmp_path / "lock", "taken", shared=shared),
    ):
        pass


def test_a_shared_lock_is_for_all_who_only_read(tmp_path):
    path = tmp_path / "manifest"
    path.write_text("content")
    path.chmod(0o444)
    with lock(path, "taken", shared=True):
        with lock(path, "taken", shared=True):
            pass
        with pytest.raises(CmrtfError, match="taken"), lock(path, "taken"):
            pass
    with lock(path, "taken"), pytest.raises(CmrtfError, match="taken"), lock(path, "taken", shared=True):
        pass
    assert path.read_text() == "content"
