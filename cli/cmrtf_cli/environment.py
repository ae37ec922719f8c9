"""What surrounds a command and must not change what it does."""

import os
import tempfile

from cmrtf.errors import CmrtfError

SETTLED = {
    "KERAS_BACKEND": "tensorflow",
    "KERAS_HOME": os.devnull,  # where keras.json is read, and written if there is none
    "MPLBACKEND": "agg",  # figures are drawn into files
    "MATPLOTLIBRC": os.devnull,
}

SHARED_MEMORY = "/dev/shm"
"""Where temporary files go if there is no other place, as in a container whose disk is read-only."""


def settle_environment() -> None:
    """Leave the settings of Keras and Matplotlib to cmrtf, in this process and those it starts.

    `keras.json` and the variables of Keras choose a backend, a precision and an order of axes.

    Raises:
        CmrtfError: there is no place for temporary files.
    """
    for name in [name for name in os.environ if name.startswith("KERAS_")]:
        del os.environ[name]
    os.environ.update(SETTLED)
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        os.environ["TMPDIR"] = SHARED_MEMORY
        _require_temporary_folder()


def _require_temporary_folder() -> None:
    try:
        tempfile.gettempdir()
    except FileNotFoundError as error:
        raise CmrtfError(
            f"TMPDIR: expected a folder for temporary files. Received: {error.strerror}."
        ) from error
