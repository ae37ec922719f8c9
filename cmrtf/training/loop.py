"""The loop that both models share: one code path for one device, for many, and for many machines."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import tensorflow as tf

from cmrtf.errors import CmrtfError
from cmrtf.training.checkpoints import Checkpoints
from cmrtf.training.config import Config
from cmrtf.training.distributed import (
    any_of_all,
    is_chief,
    mirrored_strategy,
    step_function,
    without_remapping,
)
from cmrtf.training.finite import not_finite_error
from cmrtf.training.reporting import Advice, Curves, MetricsLog, Progress
from cmrtf.training.run import RunDirectory
from cmrtf.training.run_lock import locked
from cmrtf.training.stop_request import StopRequest

Report = Callable[[int], dict[str, float]]
"""Called with the step after every interval: draws pictures, returns figures to log."""


@contextlib.contextmanager
def opened_run(
    path: Path, kind: str, config: Config, seed: int, data_hash: str, resume: bool
) -> Iterator[RunDirectory]:
    """Start the run in `path`, or continue it if `resume` and there is one, and hold it.

    Of several machines the chief does so, and the others follow.

    Raises:
        CmrtfError: the run there was started with other settings, cannot be written, or is being trained.
    """
    strategy = mirrored_strategy()
    with _readable_errors(path):
        if is_chief(strategy):
            with locked(path):
                run = RunDirectory.open_or_create(path, kind, config, seed, data_hash, resume)
                any_of_all(strategy, False)
                yield run
        else:
            any_of_all(strategy, False)
            yield RunDirectory.open_as(path, kind, config, seed, data_hash)


def train(
    model: keras.Model,
    run: RunDirectory,
    batches: Callable[[range], tf.data.Dataset],
    report: Report,
    shown: tuple[str, ...],
) -> None:
    """Train from the last checkpoint of `run` to its last step.

    Args:
        model: compiled, built inside its strategy's scope.
        run: where to continue and what to write to.
        batches: called with the range of steps still to do; returns their dataset.
        report: on validation subjects.
        shown: logged figures to show as the run goes.

    Raises:
        CmrtfError: numbers are not finite.
        SystemExit: SIGTERM or SIGINT came and the run is saved.
    """
    checkpoints = Checkpoints(model, run.checkpoints)
    first_step = checkpoints.restore()
    if first_step >= run.config.steps:
        return
    chief = is_chief(model.distribute_strategy)
    progress = Progress(run.kind, first_step, run.config.steps, shown, silent=not chief)
    end_interval = _Records(run, report, first_step, progress).add if chief else _nothing
    with without_remapping(), StopRequest() as stop, contextlib.closing(progress):
        take_step = step_function(model, batches(range(first_step, run.config.steps)))
        for step in range(first_step + 1, run.config.steps + 1):
            if bad := take_step():
                raise not_finite_error(run.path, step, bad)
            progress.advance()
            stopping = any_of_all(model.distribute_strategy, stop.received is not None)
            if step % run.config.interval_steps == 0:
                end_interval(step, {name: float(mean) for name, mean in model.get_metrics_result().items()})
                model.reset_metrics()
            elif not stopping:
                continue
            checkpoints.save(step, write=chief)
            if stopping and step < run.config.steps:
                progress.say(f"Saved after step {step}. To go on: the same command with --resume.")
                sys.exit(stop.exit_code)


class _Records:
    """What the chief writes after an interval, before its checkpoint: resuming drops what has none."""

    def __init__(self, run: RunDirectory, report: Report, first_step: int, progress: Progress) -> None:
        self.report = report
        self.progress = progress
        self.log = MetricsLog(run.log, first_step)
        self.curves = Curves(run.tensorboard, self.log)
        self.advice = Advice(self.log, progress)

    def add(self, step: int, means: dict[str, float]) -> None:
        figures = means | self.report(step)
        self.log.add(step, figures)
        self.curves.add(step, figures)
        self.progress.figures(step, figures)
        self.advice.consider()


def _nothing(step: int, means: dict[str, float]) -> None:
    """What other machines than the chief write."""


@contextlib.contextmanager
def _readable_errors(path: Path) -> Iterator[None]:
    """Say what the system refused, and that nothing is lost."""
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
