"""Saving and restoring everything that a run needs to continue exactly."""

from pathlib import Path

import keras
import tensorflow as tf

from cmrtf.errors import CmrtfError

KEEP = 2
"""Checkpoints kept: the last, and the one before in case the last is damaged."""


class Checkpoints:
    """Checkpoints of a compiled model: weights, moving averages and optimizers.

    Args:
        model: with its optimizers built.
        folder: where the checkpoints lie.
    """

    def __init__(self, model: keras.Model, folder: Path) -> None:
        self.step = tf.Variable(0, dtype=tf.int64, name="step")
        optimizers = {
            name: [variable.value for variable in value.variables]
            for name, value in vars(model).items()
            if isinstance(value, keras.optimizers.Optimizer)
        }
        weights = [weight.value for weight in model.weights]
        self.checkpoint = tf.train.Checkpoint(step=self.step, weights=weights, **optimizers)
        self.manager = tf.train.CheckpointManager(self.checkpoint, str(folder), max_to_keep=KEEP)

    def save(self, step: int) -> None:
        """Save after `step` steps; the file has its final name only when it is complete.

        Raises:
            CmrtfError: it cannot be written; earlier checkpoints are untouched.
        """
        self.step.assign(step)
        try:
            self.manager.save(checkpoint_number=step)
        except (tf.errors.OpError, OSError) as error:
            raise CmrtfError(
                f"{self.manager.directory}: expected to save the checkpoint of step {step}, but: {error}. "
                f"{len(self.manager.checkpoints)} saved before are intact: --resume continues from there."
            ) from error

    def restore(self) -> int:
        """Restore the latest readable checkpoint and return its step; 0 where there is none."""
        for path in reversed(self.manager.checkpoints):
            try:
                self.checkpoint.restore(path).assert_existing_objects_matched().expect_partial()
            except (tf.errors.OpError, IndexError, AssertionError, ValueError):
                continue
            return int(self.step.numpy())
        if self.manager.checkpoints:
            raise CmrtfError(
                f"{self.manager.directory}: expected a checkpoint of this configuration. "
                f"Received: {len(self.manager.checkpoints)} that cannot be read."
            )
        return 0


def restore_for_inference(model: keras.Model, folder: Path) -> int:
    """Restore a model's weights from the latest checkpoint of a run; returns the step.

    Raises:
        CmrtfError: there is no checkpoint.
    """
    step = Checkpoints(model, folder).restore()
    if step == 0:
        raise CmrtfError(
            f"{folder}: expected a checkpoint of a trained model. Received: none; train it first."
        )
    return step
