import os
import signal

import pytest

from cmrtf.core.stopping import Stopped
from cmrtf.tensorflow_start import _stderr_held_back


@pytest.mark.parametrize(("error", "shown"), [(ImportError("broken"), "note"), (Stopped(signal.SIGTERM), "")])
def test_notes_are_shown_where_the_start_fails_but_not_where_it_is_stopped(error, shown, capfd):
    def start():
        with _stderr_held_back():
            os.write(2, b"note")
            raise error

    with pytest.raises(type(error)):
        start()
    assert capfd.readouterr().err == shown
