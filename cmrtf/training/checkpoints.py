"""Checkpoints: everything that a run needs to continue exactly."""

import contextlib
import logging
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cmrtf.core.files import is_folder, require_plain_file
from cmrtf.errors import CmrtfError, FileError
from cmrtf.tensorflow_start import literal_path
from cmrtf.training.distributed import are_finite, not_finite_error
from cmrtf.training.run import CHECKPOINT_PREFIX as PREFIX
from cmrtf.training.run import checkpoint_steps

NUM_CHECKPOINTS = 2
"""The last, and the one before in case the last is damaged."""

FILE_NAME = re.compile(rf"{PREFIX}\d+(_temp.*|\.(index|data-\d+-of-\d+)(\.tempstate\d+)?)")
"""Of what is written here, complete or half; all else is the user's."""

ORIGIN = "origin/.ATTRIBUTES/VARIABLE_VALUE"
"""What TensorFlow calls the origin in a file."""

logger = logging.getLogger(__name__)
logger.addHandler(logging.NullHandler())  # silent unless logging is switched on


class Checkpoints:
    """Checkpoints of a model: its weights and moving averages, and those of its training if it is compiled.

    The training is the state of the optimizers and of the metrics, which have summed up losses since the
    interval began: a run may stop within an interval. Which checkpoints exist is read from the folder, not
    from a list of them that could be damaged or out of date.

    Args:
        model: with its optimizers built, if it has any.
        folder: where the checkpoints lie.
        origin: of which run they are; empty where it is not to be compared.
    """

    def __init__(self, model: keras.Model, folder: Path, origin: str = "") -> None:
        self.folder = folder
        self.origin = origin
        self.step = tf.Variable(0, dtype=tf.int64, name="step")
        optimizers = {
            name: value.variables
            for name, value in vars(model).items()
            if isinstance(value, keras.optimizers.Optimizer)
        }
        variables = {"weights": model.weights} | optimizers
        self.floats = [v for group in variables.values() for v in group if v.dtype == "float32"]
        # On several machines a metric is read by all of them at once, but the chief alone saves: so
        # metrics are saved as a copy.
        self.metrics = [v for metric in model.metrics for v in metric.variables] if optimizers else []
        self.copy = [tf.Variable(tf.zeros(v.shape), name=v.path) for v in self.metrics]
        values = {name: [variable.value for variable in group] for name, group in variables.items()}
        values |= {"step": self.step, "metrics": self.copy}
        self.readable = tf.train.Checkpoint(**values)  # by cmrtf 0.1 too, which wrote no origin
        letters = tf.Variable(np.frombuffer(origin.encode(), np.uint8), name="origin")
        self.checkpoint = tf.train.Checkpoint(origin=letters, **values)

    def steps(self) -> list[int]:
        """After how many steps there are checkpoints, readable or not, in ascending order."""
        return checkpoint_steps(self.folder)

    def save(self, step: int, write: bool = True) -> None:
        """Save after `step` steps; the file has its final name only when it is complete.

        Args:
            step: how many have been taken.
            write: whether this is the machine that writes.

        Raises:
            CmrtfError: there are NaN or infinite values, or it cannot be written; earlier checkpoints are
                untouched.
        """
        finite = are_finite([variable.value for variable in self.floats]).numpy()
        if not finite.all():
            raise not_finite_error(self.folder, step, self.floats[finite.argmin()].path)
        self.step.assign(step)
        for copy, metric in zip(self.copy, self.metrics, strict=True):
            copy.assign(metric.value)
        if not write:
            return
        try:
            self.folder.mkdir(exist_ok=True)
            with literal_path(self.folder / f"{PREFIX}{step}") as prefix:
                self.checkpoint.write(prefix)
        except (tf.errors.OpError, OSError) as error:
            with contextlib.suppress(OSError):
                self._remove_all_but(self.steps())
            raise CmrtfError(
                f"{self.folder}: expected to save the checkpoint of step {step}, "
                f"but: {str(error).rpartition('}} ')[2]}. "  # without the name of the graph's node
                f"{len(self.steps())} saved before are intact: --resume continues from there."
            ) from error
        # Checkpoints of later steps could not be read, or the run would not be at this step.
        self._remove_all_but([other for other in self.steps() if other <= step][-NUM_CHECKPOINTS:])

    def restore(self) -> int:
        """Restore the latest readable checkpoint and return its step; 0 where there is none.

        Those that cannot be read are named in a warning.

        Raises:
            CmrtfError: there are checkpoints, but none that can be read, or one is of another run.
        """
        steps = self.steps()
        for step in reversed(steps):
            try:
                for path in self.folder.glob(f"{PREFIX}{step}.*"):
                    require_plain_file(path, "a file of a checkpoint", sys.maxsize)
                with literal_path(self.folder / f"{PREFIX}{step}") as prefix:
                    self._require_origin(step, tf.train.load_checkpoint(prefix))
                    status = self.readable.read(prefix)
                status.assert_existing_objects_matched().expect_partial()
            except (FileError, tf.errors.OpError, IndexError, AssertionError, ValueError):
                logger.warning(
                    "%s: expected a checkpoint of this configuration. Received: one that is damaged or of "
                    "another; it is passed over.",
                    self.folder / f"{PREFIX}{step}",
                )
                continue
            for copy, metric in zip(self.copy, self.metrics, strict=True):
                metric.assign(copy)
            return int(self.step.numpy())
        if steps:
            raise CmrtfError(
                f"{self.folder}: expected a checkpoint of this configuration. "
                f"Received: {len(steps)} that cannot be read."
            )
        return 0

    def _require_origin(self, step: int, reader: Any) -> None:
        """Refuse what another run saved: its weights would pass for this one's."""
        received = reader.get_tensor(ORIGIN).tobytes().decode() if reader.has_tensor(ORIGIN) else ""
        if self.origin and received and received != self.origin:
            raise CmrtfError(
                f"{self.folder / f'{PREFIX}{step}'}: expected a checkpoint of this run, {self.origin}. "
                f"Received: one of another, {received}. Put back what belongs here."
            )

    def _remove_all_but(self, steps: list[int]) -> None:
        """Remove every file of other steps, also those that a killed process left half-written."""
        names = {f"{PREFIX}{step}" for step in steps}
        for path in self.folder.iterdir():
            if path.name.split(".")[0] in names or not FILE_NAME.fullmatch(path.name):
                continue
            if is_folder(path):
                shutil.rmtree(path)
            else:
                path.unlink()


def restore_for_inference(model: keras.Model, folder: Path, origin: str = "") -> int:
    """Restore a model's weights from the last checkpoint of a run; returns the step.

    Raises:
        CmrtfError: there is no checkpoint, or one of another run, or the last is damaged: what an earlier one
            holds is not what the run says of itself.
    """
    checkpoints = Checkpoints(model, folder, origin)
    step = checkpoints.restore()
    if step == 0:
        raise CmrtfError(
            f"{folder}: expected a checkpoint of a trained model. Received: none; train it first."
        )
    if step < (last := checkpoints.steps()[-1]):
        raise CmrtfError(
            f"{folder / f'{PREFIX}{last}'}: expected the last checkpoint of the run. Received: one that is "
            f"damaged. Train on from step {step} with --resume: it comes to the same weights."
        )
    return step
