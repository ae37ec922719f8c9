"""The loop that both models share: one code path for one device, for many, and for many machines."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import tensorflow as tf

from cmrtf.core.stopping import Stopped, StopRequest
from cmrtf.errors import CmrtfError
from cmrtf.training.checkpoints import Checkpoints
from cmrtf.training.config import GANConfig
from cmrtf.training.curves import draw_curves
from cmrtf.training.diagnostics import Diagnostics
from cmrtf.training.distributed import (
    any_of_all,
    is_chief,
    mirrored_strategy,
    not_finite_error,
    step_function,
    without_remapping,
)
from cmrtf.training.metrics_log import MetricsLog
from cmrtf.training.reporting import Progress, TensorBoardWriter
from cmrtf.training.run import RunDirectory

Report = Callable[[int], dict[str, float]]
"""Called with the step after every interval: draws pictures, returns metrics to log."""


@contextlib.contextmanager
def opened_run(run: RunDirectory, resume: bool) -> Iterator[None]:
    """Start `run`, or continue it if `resume` and it is on disk, and hold it.

    Of several machines the chief does so, and the others follow.

    Raises:
        CmrtfError: the run on disk was started with other settings, cannot be written, or is being trained.
    """
    strategy = mirrored_strategy()
    with _readable_errors(run.path):
        if is_chief(strategy):
            with run.lock():
                run.start(resume)
                any_of_all(strategy, False)
                yield
        else:
            any_of_all(strategy, False)
            run.check_settings()
            yield


def train(
    model: keras.Model,
    run: RunDirectory,
    batches: Callable[[range], tf.data.Dataset],
    report: Report,
    displayed: tuple[str, ...],
) -> None:
    """Train from the last checkpoint of `run` to its last step.

    Args:
        model: compiled, built inside its strategy's scope.
        run: where to continue and what to write to.
        batches: called with the range of steps still to do; returns their dataset.
        report: on validation subjects.
        displayed: names of the logged metrics that the progress displays.

    Raises:
        CmrtfError: numbers are not finite.
        Stopped: SIGTERM or Ctrl-C came, here or to another machine, and the run is saved.
    """
    checkpoints = Checkpoints(model, run.checkpoints, run.origin)
    first_step = checkpoints.restore()
    if first_step >= run.config.steps:
        return
    chief = is_chief(model.distribute_strategy)
    progress = Progress(run.kind, first_step, run.config.steps, displayed, silent=not chief)
    records = IntervalRecords(run, report, first_step, progress) if chief else None
    with without_remapping(), StopRequest() as stop, contextlib.closing(progress):
        take_step = step_function(model, batches(range(first_step, run.config.steps)))
        for step in range(first_step + 1, run.config.steps + 1):
            if bad := take_step():
                raise not_finite_error(run.path, step, bad)
            progress.advance()
            stopping = any_of_all(model.distribute_strategy, stop.received is not None)
            if step % run.config.interval_steps == 0:
                means = {name: float(mean) for name, mean in model.get_metrics_result().items()}
                model.reset_metrics()
                if records:
                    records.add(step, means)
            elif not stopping:
                continue
            checkpoints.save(step, write=chief)
            if stopping:
                raise Stopped(stop.received or signal.SIGTERM, f"saved after step {step}")


class IntervalRecords:
    """What the chief writes after an interval, before its checkpoint: resuming drops records that have none.

    Args:
        run: where to write.
        report: on validation subjects.
        first_step: where the run continues.
        progress: displays the metrics.
    """

    def __init__(self, run: RunDirectory, report: Report, first_step: int, progress: Progress) -> None:
        self.run = run
        self.report = report
        self.progress = progress
        self.log = MetricsLog(run.log, first_step)
        self.tensorboard = TensorBoardWriter(run.tensorboard, self.log, run.samples)
        # The VAE logs its KL divergence, the GAN what the divergence adds to the loss.
        kl_weight = run.config.loss_weights.kl if isinstance(run.config, GANConfig) else 1.0
        self.diagnostics = Diagnostics(self.log, progress, kl_weight)

    def add(self, step: int, means: dict[str, float]) -> None:
        """Record the mean losses of the interval that ends with `step`, and the report on it."""
        metrics = means | self.report(step)
        self.log.add(step, metrics)
        self.tensorboard.add(step, metrics)
        draw_curves(self.run, self.log.intervals())
        self.progress.display(step, metrics)
        self.diagnostics.update()


@contextlib.contextmanager
def _readable_errors(path: Path) -> Iterator[None]:
    """Errors of the system as errors of the user, which say that nothing is lost."""
    try:
        yield
    except OSError as error:
        raise CmrtfError(
            f"{path}: expected to be able to write, but: {error}. What is saved is intact: "
            "--resume continues from there."
        ) from error
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError) as error:
        raise CmrtfError(
            f"{path}: expected all machines of TF_CONFIG to take every step. Received: one that is gone. "
            "Start the same command with --resume on all of them."
        ) from error
