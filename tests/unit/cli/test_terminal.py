import io
import re
import sys

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
    (tmp_path / "log").write_text("before\n")
    terminal = Terminal()
    with terminal.shown():
        terminal.keep(tmp_path / "log")
        print("after")
    assert re.fullmatch(r"before\n[-:\d ]+ after\n", (tmp_path / "log").read_text())


def test_a_log_that_cannot_be_written_is_one_message(tmp_path):
    with pytest.raises(CmrtfError, match=r"expected a file that --log-file can add to\. Received: Is a dir"):
        Terminal().keep(tmp_path)


def test_streams_are_given_back():
    streams = sys.stdout, sys.stderr
    with Terminal().shown():
        assert sys.stdout is not streams[0]
    assert (sys.stdout, sys.stderr) == streams
