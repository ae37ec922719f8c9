"""What a run shows as it goes on: progress, and TensorBoard."""

import contextlib
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from cmrtf.core.files import exists
from cmrtf.core.progress import progress_bar
from cmrtf.tensorflow_start import literal_path
from cmrtf.training.metrics_log import MetricsLog
from cmrtf.training.samples import sample_file


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


class TensorBoardWriter:
    """Writes the log for TensorBoard, anew where a run continues, so that it has no point twice.

    Args:
        folder: of the event files.
        log: of this run.
        samples: folder of its pictures.
    """

    def __init__(self, folder: Path, log: MetricsLog, samples: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self.samples = samples
        self._handle = contextlib.ExitStack()  # for as long as there is a writer
        self.writer = tf.summary.create_file_writer(self._handle.enter_context(literal_path(folder)))
        for step, metrics in log.intervals():
            self.add(step, metrics)

    def add(self, step: int, metrics: Mapping[str, float]) -> None:
        """Write the points of an interval, and its picture if there is one."""
        picture = sample_file(self.samples, step)
        with self.writer.as_default(step):
            for name, value in metrics.items():
                tf.summary.scalar(name, value)
            if exists(picture):
                tf.summary.image("samples", np.asarray(Image.open(picture).convert("RGB"))[None])
        self.writer.flush()
