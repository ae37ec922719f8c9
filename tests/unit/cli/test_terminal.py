import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cmrtf.core.progress import progress_bar
from cmrtf.errors import CmrtfError
from cmrtf_cli.terminal import Terminal


def test_what_is_printed_cannot_move_the_cursor(capsys):
    with Terminal().shown():
        print("a\x1b[2Jb\rc")
        click.echo("d\x9be", err=True, color=True)
    assert capsys.readouterr() == ("a\\x1b[2Jb\\rc\n", "d\\x9be\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_the_encoding_lacks_is_an_escape(monkeypatch, encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    with Terminal().shown():
        click.echo("heart 心")
    stream.flush()
    assert stream.buffer.getvalue() == b"heart \\u5fc3\n"


def test_bars_are_drawn_and_stay_out_of_the_log(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    terminal = Terminal()
    with terminal.shown():
        terminal.keep(tmp_path / "log")
        with progress_bar(total=2, desc="train") as bar:
            bar.write("step 1: dice .9")
            bar.update()
        click.echo("Trained\nboth.")
    out, err = capsys.readouterr()
    assert err.startswith("\rtrain:   0%")
    assert out == "step 1: dice .9\nTrained\nboth.\n"
    lines = [line for line in (tmp_path / "log").read_text().splitlines() if line]
    pattern = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (.*)")
    assert [pattern.fullmatch(line)[1] for line in lines] == ["step 1: dice .9", "Trained", "both."]


def test_a_log_is_added_to(tmp_path):
    for text in ("before", "after"):
        terminal = Terminal()
        with terminal.shown():
            terminal.keep(tmp_path / "log")
            print(text)
    assert re.fullmatch(r"[-:\d ]+ before\n[-:\d ]+ after\n", (tmp_path / "log").read_text())


@pytest.mark.parametrize("what", ["folder", "pipe", "device"])
def test_a_log_that_is_no_file_is_refused_at_once(tmp_path, what):
    path = Path("/dev/full") if what == "device" else tmp_path / what
    {"folder": path.mkdir, "pipe": lambda: os.mkfifo(path), "device": lambda: None}[what]()
    message = r"expected a new file, or one that --log-file began\. Received: what is no file"
    with pytest.raises(CmrtfError, match=message):
        Terminal().keep(path)


def test_a_log_in_no_folder_is_one_message(tmp_path):
    with pytest.raises(CmrtfError, match=r"log: expected a new file.*Received: No such file"):
        Terminal().keep(tmp_path / "none" / "log")


@pytest.mark.parametrize("content", [b'{"format": "cmrtf-bundle"}', b"\x89PNG\r\n\x00\xff"])
def test_what_is_no_log_is_left_as_it_is(tmp_path, content):
    (tmp_path / "bundle.json").write_bytes(content)
    with pytest.raises(CmrtfError, match="Received: one with something else, which is left as it is"):
        Terminal().keep(tmp_path / "bundle.json")
    assert (tmp_path / "bundle.json").read_bytes() == content


def test_where_the_disk_of_the_log_is_full_all_is_shown_and_the_loss_named(tmp_path, capsys, monkeypatch):
    terminal = Terminal()
    with terminal.shown():
        terminal.keep(tmp_path / "log")
        terminal.log.close()
        with Path("/dev/full").open("a") as full:
            monkeypatch.setattr(terminal, "log", full)
            print("Trained.")
            with contextlib.suppress(OSError):
                full.close()
    out, err = capsys.readouterr()
    assert out == "Trained.\n"
    assert err == "Warning, /dev/full: could not be written to the end.\n"


def test_streams_are_given_back():
    streams = sys.stdout, sys.stderr
    with Terminal().shown():
        assert sys.stdout is not streams[0]
    assert (sys.stdout, sys.stderr) == streams


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_streams_that_are_closed_or_full_change_nothing_else(tmp_path, closed):
    """No file of ours gets the number of a standard stream."""
    write = (
        "from cmrtf_cli.terminal import Terminal\n"
        "import sys\n"
        "with Terminal().shown():\n"
        "    print('said'), print('warned', file=sys.stderr)\n"
        "    with open(sys.argv[1], 'w') as file:\n"
        "        file.write(str(file.fileno()))\n"
    )
    command = ["bash", "-c", f'exec "$@" {closed}', "bash", sys.executable, "-c", write, tmp_path / "file"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert int((tmp_path / "file").read_text()) > 2
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 120 if "full" in closed else 0)  # Python's, as it ends
