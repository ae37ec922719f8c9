"""How long a benchmark still takes, by how long like parts took."""

import contextlib
import logging
import time
from collections.abc import Iterator

logger = logging.getLogger(__name__)


NETWORKS, STUDENT = "networks", "student"
"""Kinds of parts that take time."""


class Clock:
    """Times the parts of a benchmark.

    Args:
        num_networks: pairs of label VAE and GAN that are to be trained.
        num_students: segmenters that are to be trained.
    """

    def __init__(self, num_networks: int, num_students: int) -> None:
        self._num_left = {NETWORKS: num_networks, STUDENT: num_students}
        self._durations_s: dict[str, list[float]] = {NETWORKS: [], STUDENT: []}

    @contextlib.contextmanager
    def timed(self, kind: str, title: str) -> Iterator[None]:
        """A block that does one part; it is announced, with the time that all of them still take.

        Args:
            kind: of the part.
            title: what it is.
        """
        logger.info("%s%s ...", title, self.left())
        started_s = time.monotonic()
        yield
        self._durations_s[kind].append(time.monotonic() - started_s)
        self._num_left[kind] -= 1

    def left(self) -> str:
        """The time left, for behind a title; nothing where a kind was not done yet."""
        seconds = 0.0
        for kind, num_left in self._num_left.items():
            durations_s = self._durations_s[kind]
            if num_left and not durations_s:
                return ""
            seconds += num_left * (sum(durations_s) / len(durations_s)) if num_left else 0.0
        hours, minutes = divmod(round(seconds / 60), 60)
        return f", about {hours} h {minutes:02d} min left"
