import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from cmrtf.core.files import new_file, new_folder
from cmrtf.core.stopping import SIGNALS, Stopped, StopRequest, raise_if_stopped, stopping_when_asked
from folders import names

ALL = [
    (signal.SIGTERM, 143, "Stopped by SIGTERM."),
    (signal.SIGINT, 130, "Stopped by Ctrl-C."),
    (signal.SIGHUP, 129, "Stopped by SIGHUP."),
]


@pytest.fixture(autouse=True)
def _terminal():
    """Tests may run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def _send(number):
    os.kill(os.getpid(), number)


def _handlers():
    return [signal.getsignal(number) for number in (*SIGNALS, signal.SIGALRM)]


def _stopped(work):
    """What it was stopped with."""
    with pytest.raises(Stopped) as caught:
        work()
    return caught.value


@pytest.mark.parametrize(("number", "code", "text"), ALL)
def test_a_signal_ends_the_block_with_its_exit_code(number, code, text):
    def work():
        with stopping_when_asked():
            _send(number)
            pytest.fail("went on")

    before = _handlers()
    stopped = _stopped(work)
    assert (stopped.code, str(stopped)) == (code, text)
    assert _handlers() == before


class InFinaliser:
    def __del__(self):
        _send(signal.SIGTERM)


def _in_garbage_collector():
    cycle = InFinaliser()
    cycle.self = cycle
    del cycle
    gc.collect()


def _in_callback_of_the_collector():
    def send(phase, _):
        if phase == "start":
            gc.callbacks.remove(send)
            _send(signal.SIGTERM)

    gc.callbacks.append(send)
    gc.collect()


@pytest.mark.parametrize("lose", [InFinaliser, _in_garbage_collector, _in_callback_of_the_collector])
def test_a_signal_that_python_loses_is_not_lost(lose, capfd):
    def work():
        with stopping_when_asked():
            lose()
            time.sleep(10)
            pytest.fail("went on")

    assert _stopped(work).code == 143
    assert capfd.readouterr().err == ""  # not "Exception ignored in ..."


def _swallow():
    with contextlib.suppress(BaseException):
        _send(signal.SIGTERM)


@pytest.mark.parametrize("making", [new_file, new_folder])
def test_a_signal_that_other_code_swallows_stops_before_anything_is_written(tmp_path, making):
    def write():
        with stopping_when_asked(), making(tmp_path / "a"):
            _swallow()

    assert _stopped(write).code == 143
    assert names(tmp_path) == []


def test_an_error_that_a_signal_led_to_is_not_reported():
    """NumPy says that it cannot be imported."""

    def work(signals):
        with stopping_when_asked():
            for _ in range(signals):
                _swallow()
            raise ImportError("numpy.core.multiarray failed to import")

    assert _stopped(lambda: work(1)).code == 143
    with pytest.raises(ImportError):
        work(0)


def test_work_that_is_done_is_done():
    with stopping_when_asked():
        _swallow()
    with stopping_when_asked():
        raise_if_stopped()  # nobody asked this block


@pytest.mark.parametrize(("number", "code", "_"), ALL)
def test_a_request_is_remembered_and_made_good_at_the_end_of_the_block(number, code, _):
    def work():
        with StopRequest() as stop:
            assert stop.received is None
            _send(number)
            assert stop.received == number
            assert signal.getsignal(signal.SIGTERM) == before[0]

    before = _handlers()
    assert _stopped(work).code == code
    assert _handlers() == before


def test_a_block_that_ends_with_an_error_keeps_it():
    def work():
        with StopRequest() as stop:
            _send(signal.SIGTERM)
            raise Stopped(stop.received, "saved after step 3")

    assert str(_stopped(work)) == "Stopped by SIGTERM, saved after step 3."


def test_a_second_signal_acts_at_once():
    def work():
        with stopping_when_asked(), StopRequest():
            _send(signal.SIGTERM)
            _send(signal.SIGINT)
            pytest.fail("went on")

    assert _stopped(work).code == 130


def test_of_a_closed_terminal_one_may_be_told_twice():
    def work():
        with stopping_when_asked(), StopRequest() as stop:
            _send(signal.SIGHUP)
            _send(signal.SIGHUP)
            assert stop.received == signal.SIGHUP
            raise Stopped(stop.received, "saved after step 3")

    assert str(_stopped(work)) == "Stopped by SIGHUP, saved after step 3."


def test_under_nohup_a_terminal_may_be_closed():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopping_when_asked(), StopRequest() as stop:
            _send(signal.SIGHUP)
            assert stop.received is None
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_in_another_thread_signals_stay_as_they_are():
    before, inside = _handlers(), []

    def run():
        with StopRequest(), stopping_when_asked():
            inside.extend(_handlers())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert inside == before


PARENT = """
import multiprocessing, sys, time
from cmrtf.core.stopping import end_with_parent, starting_processes

def child(pipe):
    end_with_parent()
    pipe.send(multiprocessing.current_process().pid)
    time.sleep(60)

if __name__ == "__main__":
    ours, theirs = multiprocessing.Pipe()
    with starting_processes():
        multiprocessing.get_context("fork").Process(target=child, args=(theirs,)).start()
    print(ours.recv(), flush=True)
    time.sleep(60)
"""


def _is_running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{process}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"


def test_a_process_ends_with_the_one_that_started_it_and_not_with_ctrl_c():
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        os.kill(child, signal.SIGINT)
        time.sleep(0.1)
        assert _is_running(child)
        parent.kill()
        parent.wait()
        deadline = time.monotonic() + 5
        while _is_running(child) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not _is_running(child)


def test_further_signals_are_ignored_on_the_way_out():
    def work():
        with stopping_when_asked():
            try:
                _send(signal.SIGTERM)
            finally:
                _send(signal.SIGINT)
                with contextlib.suppress(OSError):
                    raise OSError
                _send(signal.SIGTERM)
                seen.append("the end")

    seen = []
    assert (_stopped(work).code, seen) == (143, ["the end"])


def test_a_signal_after_one_that_was_swallowed_is_heard():
    def work():
        with stopping_when_asked():
            with contextlib.suppress(Stopped):
                _send(signal.SIGTERM)
            _send(signal.SIGINT)
            pytest.fail("went on")

    assert _stopped(work).code == 130
