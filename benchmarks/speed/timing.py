"""Times contenders side by side, so that what else the machine does falls on all of them alike."""

import gc
import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

SHORTEST_MS = 20.0
"""Calls shorter than this are repeated within a round until they last as long."""

TRACING_MS = 2000.0
"""A first call longer than this is not made a second time before the first round."""


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Args:
        rounds: at most so many.
        seconds: no further round begins after this time, once the fewest are done.
        fewest: rounds to make in any case.
    """

    rounds: int = 9
    seconds: float = 20.0
    fewest: int = 3


QUICK = Effort(rounds=2, seconds=1.0, fewest=2)
"""For trying a change of the benchmark itself."""


@dataclass(frozen=True)
class Timing:
    """Milliseconds per call over the rounds.

    Args:
        median_ms: what ratios are taken of.
        min_ms: of the fastest round.
        max_ms: of the slowest round.
        rounds: how many there were.
    """

    median_ms: float
    min_ms: float
    max_ms: float
    rounds: int

    def figures(self, unit: str, count: int = 1) -> dict[str, float]:
        """The results' entries of a contender that does `count` of something per call."""
        return {
            unit: self.median_ms / count,
            f"min_{unit}": self.min_ms / count,
            f"max_{unit}": self.max_ms / count,
            "rounds": self.rounds,
        }


def interleave(contenders: Mapping[str, Callable[[], object]], effort: Effort) -> dict[str, Timing]:
    """Call all contenders in turn, round after round; first calls (tracing, caches) do not count."""
    repeats = {name: _repeats(call) for name, call in contenders.items()}
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    gc.collect()
    began = time.perf_counter()
    for number in range(max(effort.rounds, effort.fewest)):
        if number >= effort.fewest and time.perf_counter() - began > effort.seconds:
            break
        for name, call in contenders.items():
            samples[name].append(milliseconds(call, repeats[name]))
    return {
        name: Timing(statistics.median(values), min(values), max(values), len(values))
        for name, values in samples.items()
    }


def milliseconds(call: Callable[[], object], repeats: int = 1) -> float:
    """Wall time of one call, the mean over repeats."""
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - start) * 1000.0 / repeats


def _repeats(call: Callable[[], object]) -> int:
    """Warm up, and find how many calls last long enough to be timed."""
    if milliseconds(call) > TRACING_MS:
        return 1
    return max(1, math.ceil(SHORTEST_MS / milliseconds(call)))
