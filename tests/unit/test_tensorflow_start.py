import os
import signal

import pytest
import tensorflow as tf

from cmrtf.core.stopping import Stopped
from cmrtf.errors import CmrtfError
from cmrtf.tensorflow_start import _stderr_held_back, tensorflow_writing_to


@pytest.mark.parametrize(("error", "shown"), [(ImportError("broken"), "note"), (Stopped(signal.SIGTERM), "")])
def test_notes_are_shown_where_the_start_fails_but_not_where_it_is_stopped(error, shown, capfd):
    def start():
        with _stderr_held_back():
            os.write(2, b"note")
            raise error

    with pytest.raises(type(error)):
        start()
    assert capfd.readouterr().err == shown


def test_a_full_disk_is_said_without_the_words_of_tensorflow(tmp_path):
    text = "{{function_node __wrapped__SaveV2}} out/part-00000; No space left on device [Op:SaveV2]"
    message = r"out: expected to be able to write here\. Received: No space left on device\.$"
    with pytest.raises(CmrtfError, match=message), tensorflow_writing_to(tmp_path / "out"):
        raise tf.errors.ResourceExhaustedError(None, None, text)
