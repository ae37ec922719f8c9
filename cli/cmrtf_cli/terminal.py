"""What is shown, and kept in a log file if wanted: the one place that text passes on its way out."""

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from cmrtf.core.files import exists, is_file
from cmrtf.core.text import printable
from cmrtf.errors import CmrtfError

LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ")
"""How each line of a log file begins."""

MAX_BEGINNING = 100
"""Characters of a file that are looked at to see whether it is one."""


def _open_closed_streams() -> None:
    """Give standard streams that are closed to nobody, before a file of ours gets their number.

    What libraries in C write to them would go into that file.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))  # noqa: SIM115 - stays


class Terminal:
    """Standard output and standard error, and the log file."""

    def __init__(self) -> None:
        self.log: TextIO | None = None
        self._line_begins = True
        self._is_log_complete = True

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """A block in which all that is printed is made printable."""
        _open_closed_streams()
        streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = (_Stream(stream, self) for stream in streams)
        try:
            yield
        finally:
            sys.stdout, sys.stderr = streams
            self._end()

    def _end(self) -> None:
        if self.log is None:
            return
        with contextlib.suppress(OSError):  # what could not be written stands in the way
            self.log.close()
        if not self._is_log_complete:
            print(f"Warning, {self.log.name}: could not be written to the end.", file=sys.stderr)

    def keep(self, path: Path) -> None:
        """Add all that is shown from now on to a file, but for bars.

        Raises:
            CmrtfError: it cannot be written, or holds something else.
        """
        expected = f"{path}: expected a new file, or one that --log-file began. Received:"
        try:
            if exists(path) and not is_file(path):
                raise CmrtfError(f"{expected} what is no file.")
            self.log = path.open("a+", encoding="utf-8", errors="replace", buffering=1)
            self.log.seek(0)
            beginning = self.log.readline(MAX_BEGINNING)
            self.log.seek(0, os.SEEK_END)
        except OSError as error:
            raise CmrtfError(f"{expected} {error.strerror}.") from error
        if beginning and not LOG_LINE.match(beginning):
            self.log.close()
            self.log = None
            raise CmrtfError(f"{expected} one with something else, which is left as it is.")

    def record(self, text: str) -> None:
        """Add printable text to the log file, each line with its time; bars begin with a carriage return."""
        if self.log is None or text.startswith("\r"):
            return
        for line in text.splitlines(keepends=True):
            if self._line_begins and line != "\n":
                line = f"{datetime.now().isoformat(' ', timespec='seconds')} {line}"
            self._line_begins = line.endswith("\n")
            self._write(self.log, line)

    def _write(self, log: TextIO, text: str) -> None:
        """Add to the log file; where its disk is full all goes on, and it is said at the end."""
        try:
            log.write(text)
            log.flush()
        except OSError:
            self._is_log_complete = False


class _Stream:
    """A text stream that shows no control characters, and as escapes what its encoding lacks.

    A carriage return in front of a text, as bars have, moves nothing but the bar.
    """

    def __init__(self, stream: Any, terminal: Terminal) -> None:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
        self._stream = stream
        self._terminal = terminal

    def write(self, text: str) -> int:
        begin, end = ("\r" if text[place:][:1] == "\r" else "" for place in (0, -1))
        shown = begin + printable(text.strip("\r")) + end
        self._terminal.record(shown)
        try:
            self._stream.write(shown)
        except OSError:  # a full disk behind standard error takes no error message either
            if self._stream is not sys.__stderr__:
                raise
        return len(text)

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":  # Click would write past this stream where the encoding is ASCII
            raise AttributeError(name)
        return getattr(self._stream, name)
