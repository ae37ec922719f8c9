import subprocess
import sys

import pytest

from cmrtf.errors import CmrtfError
from cmrtf.training.run_lock import locked

HOLD = "import sys, pathlib\nfrom cmrtf.training.run_lock import locked\n"
HOLD += "with locked(pathlib.Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"


def test_a_run_is_held_by_one_process_until_it_ends_however_it_ends(tmp_path):
    command = [sys.executable, "-c", HOLD, tmp_path / "run"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        message = r"run: expected a run that nobody trains\. Received: one that another process is training"
        with pytest.raises(CmrtfError, match=message), locked(tmp_path / "run"):
            pass
        other.kill()
        other.wait()
        with locked(tmp_path / "run"):
            pass


def test_a_folder_must_be_writable(tmp_path):
    (tmp_path / "file").write_text("")
    message = r"file/run: expected a folder that can be written"
    with pytest.raises(CmrtfError, match=message), locked(tmp_path / "file" / "run"):
        pass
