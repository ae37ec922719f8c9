"""What a run shows and writes beside its checkpoints: progress, log and TensorBoard."""

import contextlib
import csv
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from cmrtf.core.files import new_file
from cmrtf.core.progress import progress_bar
from cmrtf.tensorflow_start import literal_path


class Progress:
    """A bar over all steps of a run with the time left, and a line per interval; works in notebooks too.

    Args:
        name: stands before the bar.
        first_step: where the run continues.
        total_steps: length of the run.
        displayed: names of the metrics to display.
        silent: whether to print nothing at all.
    """

    def __init__(
        self, name: str, first_step: int, total_steps: int, displayed: tuple[str, ...], silent: bool = False
    ) -> None:
        self.bar = progress_bar(
            total=total_steps, initial=first_step, desc=name, unit="step", mininterval=1.0, disable=silent
        )
        self.displayed = displayed
        self.say("Tracing the graph: the first step takes up to a minute.")

    def advance(self) -> None:
        """Count one step."""
        self.bar.update()

    def display(self, step: int, metrics: Mapping[str, float]) -> None:
        """Print the displayed metrics of the interval that ends with `step`."""
        texts = [f"{name} {metrics[name]:.3f}" for name in self.displayed if name in metrics]
        self.say(f"step {step}: {', '.join(texts)}")

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        if not self.bar.disable:
            self.bar.write(text)

    def close(self) -> None:
        """Leave the bar on the screen as it is."""
        self.bar.close()


class MetricsLog:
    """One CSV row per interval; continuing a run drops rows from after its checkpoint.

    Args:
        path: the CSV file.
        first_step: where the run continues.
    """

    def __init__(self, path: Path, first_step: int) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = []
        if path.exists():
            with path.open(newline="") as file:
                self.rows = [row for row in csv.DictReader(file) if int(row["step"]) <= first_step]

    def add(self, step: int, metrics: Mapping[str, float]) -> None:
        """Add a row; the file is short and is written anew, so it is always complete."""
        self.rows.append({"step": step} | {name: f"{value:.6g}" for name, value in metrics.items()})
        with new_file(self.path) as partial, partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(self.rows[-1]), extrasaction="ignore")
            writer.writeheader()
            writer.writerows(self.rows)

    def intervals(self) -> list[tuple[int, dict[str, float]]]:
        """Last step and metrics of every interval so far."""
        return [
            (int(row["step"]), {name: float(text) for name, text in row.items() if name != "step" and text})
            for row in self.rows
        ]


class TensorBoardWriter:
    """Writes the log for TensorBoard, anew where a run continues, so that it has no point twice.

    Args:
        folder: of the event files.
        log: of this run.
    """

    def __init__(self, folder: Path, log: MetricsLog) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self._handle = contextlib.ExitStack()  # for as long as there is a writer
        self.writer = tf.summary.create_file_writer(self._handle.enter_context(literal_path(folder)))
        for step, metrics in log.intervals():
            self.add(step, metrics)

    def add(self, step: int, metrics: Mapping[str, float]) -> None:
        """Write the points of an interval."""
        with self.writer.as_default(step):
            for name, value in metrics.items():
                tf.summary.scalar(name, value)
        self.writer.flush()
