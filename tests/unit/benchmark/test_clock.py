import logging

import pytest

from cmrtf.benchmark import clock as clock_module
from cmrtf.benchmark.clock import NETWORKS, STUDENT, Clock


@pytest.fixture
def now(monkeypatch):
    """Seconds on the clock, to be set."""
    seconds = [0.0]
    monkeypatch.setattr(clock_module.time, "monotonic", lambda: seconds[0])
    return seconds


def _spend(clock, now, kind, seconds):
    with clock.timed(kind, "a part"):
        now[0] += seconds


def test_nothing_is_said_before_each_kind_was_done_once(now):
    clock = Clock(2, 3)
    _spend(clock, now, NETWORKS, 600)
    assert clock.left() == ""


def test_the_time_left_is_of_what_is_left(now, caplog):
    clock = Clock(2, 3)
    _spend(clock, now, NETWORKS, 3600)
    _spend(clock, now, STUDENT, 300)
    with caplog.at_level(logging.INFO, "cmrtf"):
        _spend(clock, now, STUDENT, 900)
    assert caplog.messages == ["a part, about 1 h 10 min left ..."]
    assert clock.left() == ", about 1 h 10 min left"


def test_networks_that_are_there_need_no_time(now):
    clock = Clock(0, 2)
    _spend(clock, now, STUDENT, 60)
    assert clock.left() == ", about 0 h 01 min left"
