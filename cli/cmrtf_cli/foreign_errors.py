"""What Python and TensorFlow raise that a user can act on: the one place where it becomes a message."""

import sys


def message_of(error: Exception) -> str | None:
    """The paragraph for an error that is no fault of ours; None for all others.

    Args:
        error: no `CmrtfError`, which is a message already.
    """
    # A library that does not fit into memory is one that cannot be imported.
    if isinstance(error, MemoryError) or "failed to map segment" in str(error):
        return f"expected enough memory. Received: {str(error) or 'none left'}."
    tensorflow = sys.modules.get("tensorflow")  # who did not load it has none of its errors
    if tensorflow is None or not isinstance(error, tensorflow.errors.OpError):
        return None
    reason = " ".join((error.message or type(error).__name__).split())
    if isinstance(error, tensorflow.errors.ResourceExhaustedError):
        return f"expected enough memory, or room on the disk. Received: {reason[:500]}"
    return f"expected TensorFlow to be able to read, compute and write. Received: {reason[:500]}"
