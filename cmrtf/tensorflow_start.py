"""TensorFlow, started without its start-up chatter, and only when it is needed."""

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cmrtf.errors import CmrtfError


def start_tensorflow() -> None:
    """Import TensorFlow and wake its runtime; show what it says on stderr only if that fails.

    TF 2.21 writes notes about oneDNN, CUDA and CPU features before its log level applies, so they
    are kept back at the file descriptor.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with _stderr_held_back():
        import tensorflow as tf

        tf.config.list_physical_devices("GPU")
        if "TF_CONFIG" not in os.environ:  # several machines must be joined before anything runs
            tf.constant(0)
    # A filter, since Keras sets this logger's level again: signatures are never differentiated.
    logging.getLogger("absl").addFilter(_is_no_note_on_custom_gradients)


@contextlib.contextmanager
def tensorflow_writing_to(out: Path) -> Iterator[None]:
    """A block in which TensorFlow writes, and a refusal of the disk becomes an error for the user to act on.

    Raises:
        CmrtfError: `out` cannot be written, or its disk is full.
    """
    import tensorflow as tf

    try:
        yield
    except (tf.errors.ResourceExhaustedError, tf.errors.PermissionDeniedError) as error:
        reason = error.message.rpartition("; ")[2].partition(" [Op:")[0]  # without graph and file
        raise CmrtfError(f"{out}: expected to be able to write here. Received: {reason}.") from error


def _is_no_note_on_custom_gradients(record: logging.LogRecord) -> bool:
    return "unsaved custom gradients" not in record.getMessage()


@contextlib.contextmanager
def _stderr_held_back() -> Iterator[None]:
    with tempfile.TemporaryFile() as held:
        sys.stderr.flush()
        stderr = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:
            held.seek(0)
            os.write(stderr, held.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
