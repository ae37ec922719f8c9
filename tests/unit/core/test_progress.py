import logging
import sys

import pytest

from cmrtf.core import progress
from cmrtf.core.progress import progress_bar


@pytest.fixture
def seconds(monkeypatch):
    """What the clock of lines says."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_without_a_terminal_there_is_a_line_at_the_ends_and_every_30_seconds(seconds, capsys):
    for _ in progress_bar(range(50), "Generate", unit="subject"):
        seconds[0] += 10.0
    said = capsys.readouterr().err
    assert "\r" not in said
    counts = [int(line.removeprefix("Generate: ").split()[0]) for line in said.splitlines()]
    assert counts[0] == 0
    assert counts[-1] == 50
    assert 1 < len(counts) <= 2 + 500 / 30
    assert counts == sorted(set(counts))


def test_lines_between_do_not_repeat_it(seconds, capsys):
    with progress_bar(total=3, desc="train", unit="step") as bar:
        bar.update()
        bar.write("step 1")
        bar.write("step 2")
    out, err = capsys.readouterr()
    assert out == "step 1\nstep 2\n"
    assert [line.split(",")[0] for line in err.splitlines()] == [
        "train: 0 of 3 steps",
        "train: 1 of 3 steps",
    ]


def test_on_a_terminal_it_is_a_bar(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    list(progress_bar(range(2), "check"))
    said = capsys.readouterr().err
    assert "\r" in said
    assert "100%" in said


@pytest.mark.parametrize("off", ["disable", "logger"])
def test_it_can_be_hidden(off, monkeypatch, capsys):
    monkeypatch.setattr(logging.getLogger("cmrtf.progress"), "disabled", off == "logger")
    assert list(progress_bar(range(2), disable=off == "disable")) == [0, 1]
    assert capsys.readouterr().err == ""
