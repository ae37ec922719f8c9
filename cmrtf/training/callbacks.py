"""What happens beside the steps of a run: progress, logs, checkpoints."""

import csv
import logging
from pathlib import Path
from typing import Any

import keras
from tqdm import tqdm

from cmrtf.training.advice import advise
from cmrtf.training.checkpoints import Checkpoints

logger = logging.getLogger(__name__)


class Progress(keras.callbacks.Callback):
    """A bar over all steps of the run with the time left, and a line per interval.

    Args:
        name: shown before the bar.
        first_step: where the run continues.
        total_steps: length of the run.
        interval_steps: steps per interval.
        shown: which of the logged figures to show.
    """

    def __init__(
        self, name: str, first_step: int, total_steps: int, interval_steps: int, shown: tuple[str, ...]
    ):
        super().__init__()
        self.bar = tqdm(total=total_steps, initial=first_step, desc=name, unit="step", mininterval=1.0)
        self.interval_steps = interval_steps
        self.shown = shown

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Say why the first step takes long."""
        self.bar.write("Tracing the graph: the first step takes up to a minute.")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Advance the bar."""
        self.bar.update()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Print the figures of the interval."""
        figures = ", ".join(f"{name} {logs[name]:.3f}" for name in self.shown if name in (logs or {}))  # type: ignore[index]
        self.bar.write(f"step {(epoch + 1) * self.interval_steps}: {figures}")

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Leave the finished bar on the screen."""
        self.bar.close()


class MetricsLog(keras.callbacks.Callback):
    """One CSV row per interval; continuing a run drops rows from after its checkpoint.

    Args:
        path: the CSV file.
        first_step: where the run continues.
        interval_steps: steps per interval.
    """

    def __init__(self, path: Path, first_step: int, interval_steps: int) -> None:
        super().__init__()
        self.path = path
        self.interval_steps = interval_steps
        self.rows: list[dict[str, Any]] = []
        if path.exists():
            with path.open(newline="") as file:
                self.rows = [row for row in csv.DictReader(file) if int(row["step"]) <= first_step]

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the file anew: it is short, and always whole."""
        figures = {name: f"{value:.6g}" for name, value in (logs or {}).items()}
        self.rows.append({"step": (epoch + 1) * self.interval_steps} | figures)
        partial = self.path.with_suffix(".partial")
        with partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(self.rows[-1]), extrasaction="ignore")
            writer.writeheader()
            writer.writerows(self.rows)
        partial.replace(self.path)


class Advice(keras.callbacks.Callback):
    """Says once what the logged figures warn of.

    Args:
        log: of this run.
    """

    def __init__(self, log: MetricsLog) -> None:
        super().__init__()
        self.log = log
        self.said: set[str] = set()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at all intervals so far."""
        rows = [{name: float(value) for name, value in row.items() if value != ""} for row in self.log.rows]
        for about, text in advise(rows).items():
            if about not in self.said:
                self.said.add(about)
                tqdm.write(f"Note: {text}")


class SaveCheckpoint(keras.callbacks.Callback):
    """A checkpoint after every interval."""

    def __init__(self, checkpoints: Checkpoints, interval_steps: int) -> None:
        super().__init__()
        self.checkpoints = checkpoints
        self.interval_steps = interval_steps

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save."""
        self.checkpoints.save((epoch + 1) * self.interval_steps)
