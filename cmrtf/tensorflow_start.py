"""TensorFlow, started without its start-up chatter and only when it is needed, and given names of files."""

import contextlib
import ctypes
import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cmrtf.errors import CmrtfError

logger = logging.getLogger(__name__)

PATTERN = re.compile(r"[*?\[\]\\]|[\ud800-\udfff]")
"""What makes a path a pattern to TensorFlow, and bytes that are not UTF-8, which it cannot take."""


M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
"""Parameters of `mallopt`, from glibc's `malloc.h`."""

KEPT_BYTES = 2**31 - 1
"""Free memory that is not given back to the kernel: as much as `mallopt` can be told."""

PAD_BYTES = 2**26
"""Asked for beyond what is needed. It is the size of a heap of a thread: one that is empty is kept, too."""

MAPPED_BYTES = 2**25
"""Blocks that are larger come from the kernel each time; `mallopt` cannot be told more."""


def start_tensorflow() -> None:
    """Import TensorFlow and wake its runtime; show what it says on stderr only if that fails.

    TF 2.21 writes notes about oneDNN, CUDA and CPU features before its log level applies, so they
    are kept back at the file descriptor.
    """
    if "tensorflow" not in sys.modules:
        logger.info("Starting TensorFlow ...")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    _keep_freed_memory()
    with _stderr_held_back():
        import tensorflow as tf

        tf.config.list_physical_devices("GPU")
        if "TF_CONFIG" not in os.environ:  # several machines must be joined before anything runs
            tf.constant(0)
    # A filter, since Keras sets this logger's level again: signatures are never differentiated.
    logging.getLogger("absl").addFilter(_is_no_note_on_custom_gradients)


def _keep_freed_memory() -> None:
    """Let the process keep what it frees: every step of a training needs the same memory again.

    On a CPU TensorFlow asks malloc for each tensor, and what glibc gives back to the kernel comes again as
    pages of zeros: some 20,000 in a step of a small U-Net. See docs/decisions/freed-memory.md.
    """
    if any(name.startswith("MALLOC_") for name in os.environ):
        return  # whoever set them knows better
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # of glibc
    if mallopt:
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(M_TOP_PAD, PAD_BYTES)
        mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES)


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


@contextlib.contextmanager
def own_keras_settings() -> Iterator[None]:
    """A block, or a function, in which Keras computes as models of cmrtf need it, whatever is set around it.

    What a program, or a `keras.json`, has set holds again afterwards.

    Raises:
        CmrtfError: Keras runs on something else than TensorFlow.
    """
    import keras

    config = keras.config
    if config.backend() != "tensorflow":
        raise CmrtfError(
            f"expected Keras on TensorFlow. Received: Keras on {config.backend()}. Set "
            "KERAS_BACKEND=tensorflow before Keras is imported."
        )
    before = config.floatx(), config.epsilon(), config.image_data_format(), config.dtype_policy()
    _set_keras("float32", 1e-7, "channels_last", "float32")
    try:
        yield
    finally:
        _set_keras(*before)


def _set_keras(floatx: str, epsilon: float, image_data_format: str, dtype_policy: Any) -> None:
    import keras

    keras.config.set_floatx(floatx)
    keras.config.set_epsilon(epsilon)
    keras.config.set_image_data_format(image_data_format)
    keras.config.set_dtype_policy(dtype_policy)


@contextlib.contextmanager
def literal_path(path: Path) -> Iterator[str]:
    """A name of `path` that TensorFlow does not misread, for as long as the block lasts.

    Its checkpoint reader takes every name for a pattern: what lies in a folder `run[1]` is written, but not
    found again. Such a folder is reached through a handle of this process instead.

    Args:
        path: of a file or folder, there or to be made, in a folder that exists. Its last part is no pattern.
    """
    if not PATTERN.search(str(path)):
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _is_no_note_on_custom_gradients(record: logging.LogRecord) -> bool:
    return "unsaved custom gradients" not in record.getMessage()


@contextlib.contextmanager
def _stderr_held_back() -> Iterator[None]:
    # In memory: there may be no place for temporary files, and a pipe would fill up.
    with os.fdopen(os.memfd_create("stderr"), "rb") as held:
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
