"""Work that Apache Beam hands out: to processors of this machine, or to machines of a cluster."""

import contextlib
import importlib.util
import io
import os
import shlex
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cmrtf.core.progress import progress_bar
from cmrtf.errors import CmrtfError

MAX_REASON = 500
"""Characters of what Beam says; a failed step's message has its whole traceback in it."""


def require_beam() -> None:
    """Check that Apache Beam is installed.

    Raises:
        CmrtfError: it is not.
    """
    if importlib.util.find_spec("apache_beam") is None:
        raise CmrtfError(
            "expected Apache Beam, for work on many processors or machines. Received: an environment without "
            "it. Install it with: pip install 'cmrtf[beam]'"
        )


def run_on_beam(
    work: Callable[[Any], None], tasks: Sequence[Any], workers: int | None, options: Sequence[str]
) -> None:
    """Do the work of all tasks, in any order.

    Args:
        work: what is done with a task. It can be pickled, and so can tasks; what it raises is buried in
            Beam's traceback.
        tasks: each goes to one worker.
        workers: at the same time on this machine; default: one per processor.
        options: of the pipeline; without any it runs on this machine.

    Raises:
        CmrtfError: Beam, or where it is to run, does not take the options.
    """
    import apache_beam as beam

    local = ["--direct_running_mode=multi_threading", f"--direct_num_workers={workers or os.cpu_count()}"]
    with _readable_errors(options), _pipeline([*local, *options]) as pipeline:
        _ = pipeline | beam.Create(tasks) | beam.Reshuffle() | beam.Map(work)


@contextlib.contextmanager
def followed(description: str, total: int, num_done: Callable[[], int], progress: bool) -> Iterator[None]:
    """Show a bar that follows what workers have written, wherever they run, while the body runs.

    Args:
        description: what is done.
        total: how many subjects there are.
        num_done: how many of them are done.
        progress: whether to show it.
    """
    with progress_bar(total=total, desc=description, unit="subject", disable=not progress) as bar:
        ended = threading.Event()

        def follow() -> None:
            counting_s = 0.0
            while not ended.wait(max(1.0, 20.0 * counting_s)):  # counting files takes time on some disks
                began_s = time.monotonic()
                bar.update(num_done() - bar.n)
                counting_s = time.monotonic() - began_s

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
        bar.update(total - bar.n)


@contextlib.contextmanager
def _readable_errors(options: Sequence[str]) -> Iterator[None]:
    """What Beam, or where it is to run, has against options, as an error of the user."""
    try:
        yield
    except CmrtfError:
        raise
    except Exception as error:
        if not options:
            raise
        raise _refused(options, " ".join(str(error).split()) or type(error).__name__) from error


def _pipeline(options: Sequence[str]) -> Any:
    """A pipeline that has not run yet; what its options may be is not printed as a page of usage."""
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed):
            parsed = PipelineOptions(list(options))
            parsed.get_all_options()  # or some would be looked at when it runs
            return beam.Pipeline(options=parsed)
    except SystemExit as exit_:
        if not exit_.code:  # help was asked for
            raise
        raise _refused(options, printed.getvalue().rpartition(": error: ")[2].strip()) from None


def _refused(options: Sequence[str], reason: str) -> CmrtfError:
    return CmrtfError(
        f"expected options with which Apache Beam can run. Received: {shlex.join(options)}; Beam says: "
        f"{reason[:MAX_REASON]}"
    )
