"""The loop that both models share: one code path for one device and for many."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence

import keras
import tensorflow as tf

from cmrtf.errors import CmrtfError
from cmrtf.training.callbacks import Advice, MetricsLog, Progress, SaveCheckpoint
from cmrtf.training.checkpoints import Checkpoints
from cmrtf.training.run_directory import RunDirectory


@functools.cache
def mirrored_strategy() -> tf.distribute.Strategy:
    """All GPUs, or the CPU; the same object for every training of a process.

    The collective operations of a second strategy would use the keys of the first's: on two devices
    or more its first step stops with "Shape mismatch in the collective instance".
    """
    return tf.distribute.MirroredStrategy()


def check_batch_size(batch_size: int, strategy: tf.distribute.Strategy) -> None:
    """Every device must get the same number of slices, or the mean over them is not that of the batch.

    Raises:
        CmrtfError: the batch cannot be shared out evenly.
    """
    if batch_size % strategy.num_replicas_in_sync:
        raise CmrtfError(
            f"batch_size must be a multiple of the number of devices. "
            f"Received: batch_size={batch_size} on {strategy.num_replicas_in_sync} devices."
        )


def fit(
    model: keras.Model,
    run: RunDirectory,
    batches: Callable[[range], tf.data.Dataset],
    callbacks: Sequence[keras.callbacks.Callback],
    shown: tuple[str, ...],
) -> None:
    """Train from the last checkpoint of `run` to its last step.

    Args:
        model: compiled, built inside its strategy's scope.
        run: where to continue and what to write to.
        batches: called with the range of steps still to do; returns their dataset.
        callbacks: validation and samples; figures that they add to the logs are logged.
        shown: logged figures to show as the run goes.
    """
    config = run.config
    checkpoints = Checkpoints(model, run.checkpoints)
    first_step = checkpoints.restore()
    if first_step >= config.steps:
        return
    interval = config.interval_steps
    log = MetricsLog(run.log, first_step, interval)
    with without_remapping():
        model.fit(
            batches(range(first_step, config.steps)),
            initial_epoch=first_step // interval,
            epochs=config.steps // interval,
            steps_per_epoch=interval,
            shuffle=False,  # batches come in the order of their seed already
            verbose=0,
            callbacks=[
                *callbacks,
                log,
                Advice(log),
                keras.callbacks.TensorBoard(run.tensorboard),
                SaveCheckpoint(checkpoints, interval),
                Progress(run.kind, first_step, config.steps, interval, shown),
            ],
        )


@contextlib.contextmanager
def without_remapping() -> Iterator[None]:
    """Train without TensorFlow's remapper, which comes back for inference in the same process.

    That of TF 2.18 to 2.21 fails on the gradient of a fused leaky ReLU: it then does nothing, at length.
    """
    tf.config.optimizer.set_experimental_options({"remapping": False})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({"remapping": True})
