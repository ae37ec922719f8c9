"""The one exception that means "your data or your run is wrong", as opposed to a bug."""

from pathlib import Path

from cmrtf.core.text import printable


class CmrtfError(Exception):
    """Something the user can put right: the message names the file, what was expected and what arrived.

    The command line prints the message as one paragraph and exits with code 1; every other
    exception is a bug and keeps its traceback.

    Args:
        message: may quote names and answers as they came; it is made printable.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class FileError(CmrtfError):
    """A file that cannot be used.

    Args:
        file: the file.
        problem: what was expected and what was received.
    """

    def __init__(self, file: Path, problem: str) -> None:
        super().__init__(f"{file}: {problem}")
        self.file = file
        self.problem = problem
