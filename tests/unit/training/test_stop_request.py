import os
import signal
import threading

import pytest

from cmrtf.training.stop_request import StopRequest


@pytest.fixture
def heeding_sigint():
    """What a shell starts in the background ignores SIGINT, and a test run may be that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_the_first_signal_is_remembered_and_handlers_come_back(number, code):
    before = [signal.getsignal(other) for other in (signal.SIGTERM, signal.SIGINT)]
    with StopRequest() as stop:
        assert stop.received is None
        os.kill(os.getpid(), number)
        assert stop.received == number
        assert stop.exit_code == code
        assert [signal.getsignal(other) for other in (signal.SIGTERM, signal.SIGINT)] == before


def test_a_second_ctrl_c_acts_at_once(heeding_sigint):
    with StopRequest():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_in_another_thread_signals_stay_as_they_are():
    before = signal.getsignal(signal.SIGTERM)
    inside = []

    def run():
        with StopRequest():
            inside.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert inside == [before]
