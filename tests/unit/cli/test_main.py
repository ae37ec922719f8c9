import logging
import subprocess
import sys

import pytest

from cmrtf_cli.main import main


@pytest.fixture
def run(monkeypatch, capsys):
    """What `cmrtf ...` gives: exit code, standard output, standard error."""
    monkeypatch.setattr("cmrtf_cli.main.settle_environment", lambda: None)
    progress = logging.getLogger("cmrtf.progress")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["cmrtf", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code, *capsys.readouterr()

    yield run
    progress.disabled = False


def test_the_first_line_says_what_is_run(run, tmp_path):
    code, out, err = run("check", tmp_path / "a b")
    assert (code, out) == (1, "")
    first, second = err.splitlines()
    assert first.startswith("cmrtf ")
    assert first.endswith(f" check '{tmp_path}/a b'")
    assert second.startswith(f"Error: {tmp_path}/a b: expected the folder of a raw data set")


@pytest.mark.parametrize("arguments", [("--help",), ("check", "--help"), ("--version",)])
def test_help_is_nothing_but_help(run, arguments):
    code, out, err = run(*arguments)
    assert (code, err) == (0, "")
    assert out.startswith(("Usage: cmrtf", "cmrtf, version"))


@pytest.mark.parametrize("arguments", [("check", ""), ("--log-file", "", "check", "x"), ("phantom", "")])
def test_an_empty_path_is_not_the_current_folder(run, arguments):
    code, _, err = run(*arguments)
    assert code == 2
    assert "expected a path. Received: an empty one." in err


def test_quiet_leaves_results_and_errors(run, tmp_path):
    code, out, err = run("--quiet", "phantom", tmp_path / "out", "--subjects", "1", "--frames", "2")
    assert (code, err) == (0, "")
    assert out == f"Wrote 1 subjects to {tmp_path / 'out'}\n"
    assert run("--quiet", "check", tmp_path / "none")[2].startswith("Error: ")


def test_a_log_file_keeps_what_was_shown(run, tmp_path):
    log = tmp_path / "log"
    code, _, err = run("--log-file", log, "check", tmp_path / "no\x1b[31mne")
    assert code == 1
    assert "\x1b" not in err
    kept = [line.split(" ", 2)[2] for line in log.read_text().splitlines()]
    assert len(kept) == 2
    assert r"no\x1b[31mne: expected the folder of a raw data set" in kept[1]


def test_a_fault_of_ours_is_in_the_log_too(run, monkeypatch, tmp_path):
    def fail(*_, **__):
        raise ZeroDivisionError("ours\x1b")

    monkeypatch.setattr("cmrtf.check", fail)
    code, _, err = run("--log-file", tmp_path / "log", "check", tmp_path)
    assert code == 1
    assert err.splitlines()[-1] == r"ZeroDivisionError: ours\x1b"
    assert r"ZeroDivisionError: ours\x1b" in (tmp_path / "log").read_text()


STARTING = """
import os, signal
from cmrtf_cli import main
main.settle_environment = lambda: os.kill(os.getpid(), signal.{number})
main.main()
"""


@pytest.mark.parametrize(
    ("number", "code", "told"),
    [("SIGINT", 130, "Stopped by Ctrl-C."), ("SIGTERM", 143, "Stopped by SIGTERM.")],
)
def test_a_signal_at_the_start_is_told_and_has_its_exit_code(number, code, told):
    done = subprocess.run(
        [sys.executable, "-c", STARTING.format(number=number)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr.splitlines()) == (code, [told])


FLOOD = """
import os, subprocess, sys, time
import cmrtf
from cmrtf_cli.main import main

def work(*_, **__):
    flood = f"while kill -TERM {os.getpid()}; do :; done"
    subprocess.Popen(["sh", "-c", flood], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(60)

cmrtf.check = work
sys.argv = ["cmrtf", "check", "raw"]
main()
"""


def test_many_signals_in_a_row_are_one():
    done = subprocess.run([sys.executable, "-c", FLOOD], capture_output=True, text=True, timeout=60)
    assert done.returncode == 143
    assert done.stderr.splitlines()[1:] == ["Stopped by SIGTERM. Nothing was written."]
