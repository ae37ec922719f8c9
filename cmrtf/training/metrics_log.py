"""The log of a run: a CSV with a row per interval. No TensorFlow."""

import csv
import io
import os
from collections.abc import Mapping
from pathlib import Path

from cmrtf.core.files import new_file, read_plain_file
from cmrtf.errors import FileError
from cmrtf.training.config import MAX_STEPS

MAX_LOG_BYTES = 2**26
"""Of two hundred thousand intervals with twenty metrics."""

Interval = tuple[int, dict[str, float]]
"""Its last step, and the metrics that it has."""


class MetricsLog:
    """One CSV row per interval; continuing a run drops rows from after its checkpoint.

    Args:
        path: the CSV file.
        first_step: where the run continues.

    Raises:
        CmrtfError: the file is no log.
    """

    def __init__(self, path: Path, first_step: int) -> None:
        self.path = path
        self.rows = [row for row in _read_rows(path) if int(row["step"]) <= first_step]

    def add(self, step: int, metrics: Mapping[str, float]) -> None:
        """Add a row; the file is short and is written anew, so it is always complete."""
        self.rows.append({"step": str(step)} | {name: f"{value:.6g}" for name, value in metrics.items()})
        with new_file(self.path) as partial, partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(self.rows[-1]), extrasaction="ignore")
            writer.writeheader()
            writer.writerows(self.rows)

    def intervals(self) -> list[Interval]:
        """Of all rows so far."""
        return [_interval(row) for row in self.rows]


def read_log(path: Path) -> list[Interval]:
    """All intervals of a log; none where there is no file yet.

    Raises:
        CmrtfError: the file is no log.
    """
    return [_interval(row) for row in _read_rows(path)]


def _read_rows(path: Path) -> list[dict[str, str]]:
    """Rows as they stand in the file, each of which is an interval."""
    if not os.path.lexists(path):  # a link that leads nowhere is no log, and not none
        return []
    try:
        content = read_plain_file(path, "a log of metrics", MAX_LOG_BYTES).decode()
        rows = list(csv.DictReader(io.StringIO(content, newline="")))
        steps = [0, *(_interval(row)[0] for row in rows)]
        if steps != sorted(set(steps)) or steps[-1] > MAX_STEPS:
            raise ValueError(f"steps that do not rise from 1 to {MAX_STEPS:,} at most")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        raise FileError(
            path,
            f"expected a row of numbers for each interval, with its step. Received: {error!r}. Remove the "
            "file to do without the rows.",
        ) from error
    return rows


def _interval(row: Mapping[str, str]) -> Interval:
    return int(row["step"]), {name: float(text) for name, text in row.items() if name != "step" and text}
