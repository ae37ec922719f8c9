"""What happens beside the steps of a run: progress, log, TensorBoard, advice."""

import csv
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf
from tqdm import tqdm

from cmrtf.training.diagnostics import advise


class Progress:
    """A bar over all steps of a run with the time left, and a line per interval.

    Args:
        name: shown before the bar.
        first_step: where the run continues.
        total_steps: length of the run.
        shown: which of the figures to show.
        silent: shows nothing.
    """

    def __init__(
        self, name: str, first_step: int, total_steps: int, shown: tuple[str, ...], silent: bool = False
    ) -> None:
        self.bar = tqdm(
            total=total_steps, initial=first_step, desc=name, unit="step", mininterval=1.0, disable=silent
        )
        self.shown = shown
        self.say("Tracing the graph: the first step takes up to a minute.")

    def advance(self) -> None:
        """One step is done."""
        self.bar.update()

    def figures(self, step: int, figures: Mapping[str, float]) -> None:
        """Print the figures of an interval."""
        shown = ", ".join(f"{name} {figures[name]:.3f}" for name in self.shown if name in figures)
        self.say(f"step {step}: {shown}")

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

    def add(self, step: int, figures: Mapping[str, float]) -> None:
        """Write the file anew: it is short, and always whole."""
        self.rows.append({"step": step} | {name: f"{value:.6g}" for name, value in figures.items()})
        partial = self.path.with_suffix(".partial")
        with partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(self.rows[-1]), extrasaction="ignore")
            writer.writeheader()
            writer.writerows(self.rows)
        partial.replace(self.path)

    def figures(self) -> list[tuple[int, dict[str, float]]]:
        """Step and figures of every interval so far."""
        return [
            (int(row["step"]), {k: float(v) for k, v in row.items() if k != "step" and v != ""})
            for row in self.rows
        ]


class Curves:
    """The log for TensorBoard, written anew where a run continues, so that it has no point twice.

    Args:
        folder: of the event files.
        log: of this run.
    """

    def __init__(self, folder: Path, log: MetricsLog) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self.writer = tf.summary.create_file_writer(str(folder))
        for step, figures in log.figures():
            self.add(step, figures)

    def add(self, step: int, figures: Mapping[str, float]) -> None:
        """Write the points of an interval."""
        with self.writer.as_default(step):
            for name, value in figures.items():
                tf.summary.scalar(name, value)
        self.writer.flush()


class Advice:
    """Says once what the logged figures warn of.

    Args:
        log: of this run.
        progress: where to say it.
    """

    def __init__(self, log: MetricsLog, progress: Progress) -> None:
        self.log = log
        self.progress = progress
        self.said: set[str] = set()

    def consider(self) -> None:
        """Look at all intervals so far."""
        for about, text in advise([figures for _, figures in self.log.figures()]).items():
            if about not in self.said:
                self.said.add(about)
                self.progress.say(f"Note: {text}")
