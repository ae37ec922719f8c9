"""What is shown, and kept in a log file if wanted: the one place that text passes on its way out."""

import contextlib
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from cmrtf.core.text import printable
from cmrtf.errors import CmrtfError


class Terminal:
    """Standard output and standard error, and the log file."""

    def __init__(self) -> None:
        self.log: TextIO | None = None
        self._line_begins = True

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """A block in which all that is printed is made printable."""
        streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = (_Stream(stream, self) for stream in streams)
        try:
            yield
        finally:
            sys.stdout, sys.stderr = streams
            if self.log:
                self.log.close()

    def keep(self, path: Path) -> None:
        """Add all that is shown from now on to a file, but for bars.

        Raises:
            CmrtfError: it cannot be written.
        """
        try:
            self.log = path.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise CmrtfError(
                f"{path}: expected a file that --log-file can add to. Received: {error.strerror}."
            ) from error

    def record(self, text: str) -> None:
        """Add printable text to the log file, each line with its time; bars begin with a carriage return."""
        if self.log is None or text.startswith("\r"):
            return
        for line in text.splitlines(keepends=True):
            if self._line_begins and line != "\n":
                self.log.write(f"{datetime.now().isoformat(' ', timespec='seconds')} ")
            self.log.write(line)
            self._line_begins = line.endswith("\n")


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
        self._stream.write(shown)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":  # Click would write past this stream where the encoding is ASCII
            raise AttributeError(name)
        return getattr(self._stream, name)
