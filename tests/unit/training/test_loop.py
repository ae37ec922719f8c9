import os
import signal
import threading

import pytest
import tensorflow as tf

from cmrtf.errors import CmrtfError
from cmrtf.training.loop import StopRequest, opened_run
from cmrtf.training.run import RunDirectory


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


@pytest.fixture
def run(tmp_path, vae_config):
    return RunDirectory(tmp_path / "run", "label_vae", vae_config, 0, "abc")


def test_an_opened_run_is_on_disk_and_held(run):
    with opened_run(run, resume=False):
        assert RunDirectory.open(run.path, "label_vae") == run
        with pytest.raises(CmrtfError, match="no other process trains"), run.lock():
            pass
    with opened_run(run, resume=True):
        pass


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(28, "No space left on device"), "run: expected to be able to write, but: .*No space left"),
        (tf.errors.UnavailableError(None, None, "gone"), "run: expected all machines of TF_CONFIG"),
    ],
)
def test_what_the_system_refuses_is_said_with_how_to_go_on(run, error, message):
    with pytest.raises(CmrtfError, match=f"{message}.*--resume"), opened_run(run, resume=False):
        raise error
