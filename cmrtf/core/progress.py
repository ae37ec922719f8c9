"""How far a job is: a bar on a terminal or in a notebook, and elsewhere a line now and then."""

import logging
import sys
import time
from typing import Any

import tqdm
import tqdm.auto

LINE_EVERY_S = 30.0
"""Where there is no terminal: log files need no line per subject."""

logger = logging.getLogger("cmrtf.progress")
"""Hides all progress where it is disabled."""


def progress_bar(*args: Any, disable: bool = False, **settings: Any) -> Any:
    """A bar of tqdm, with its arguments, that suits what standard error is.

    Args:
        args: of tqdm.
        disable: whether to show nothing.
        settings: of tqdm.
    """
    kind = tqdm.auto.tqdm if sys.stderr.isatty() or "ipykernel" in sys.modules else _Lines
    return kind(*args, disable=disable or logger.disabled, **settings)


class _Lines(tqdm.tqdm):  # type: ignore[type-arg]  # in its stubs alone
    """A line when it begins, every 30 seconds, and when it ends: no carriage returns."""

    said_s, said_n = float("-inf"), -1.0

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Say how far it is, if that was not said just now."""
        if time.monotonic() - self.said_s >= LINE_EVERY_S:
            self._say()

    def clear(self, nolock: bool = False) -> None:
        """Lines stay."""

    def close(self) -> None:
        """Say how far it came."""
        if not self.disable:
            if self.n != self.said_n:
                self._say()
            self.disable = True
            self._decr_instances(self)  # type: ignore[attr-defined]

    def _say(self) -> None:
        self.said_s, self.said_n = time.monotonic(), self.n
        facts = self.format_dict
        seconds = self.format_interval(facts["elapsed"])
        name = f"{facts['prefix']}: " if facts["prefix"] else ""
        self.fp.write(f"{name}{facts['n']} of {facts['total']} {facts['unit']}s, {seconds}\n")
        self.fp.flush()
