"""`cmrtf` in a process of its own, which sends itself a signal some seconds after its first training step."""

import os
import resource
import sys
import threading
from pathlib import Path
from typing import Any

from cmrtf.training import loop
from cmrtf_cli.main import main


def run_cmrtf(
    arguments: list[str],
    said: Path,
    signal_number: int,
    seconds: float,
    limit: int,
    environment: dict[str, str],
) -> None:
    """Run `cmrtf ARGUMENTS`, what it says into a file; the target of a process.

    Args:
        arguments: of the command line.
        said: file for stdout and stderr.
        signal_number: 0 for none.
        seconds: after the first step.
        limit: bytes that a file may have.
        environment: variables to set before TensorFlow wakes.
    """
    os.environ.update(environment)
    with said.open("w") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    _arm(signal_number, seconds)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    sys.argv = ["cmrtf", *arguments]
    main()


def _arm(number: int, seconds: float) -> None:
    """From another thread, so that it comes at any moment of a step, a report or a save."""
    timer = threading.Timer(seconds, os.kill, (os.getpid(), number))
    timer.daemon = True
    make = loop.step_function

    def make_armed(model: Any, batches: Any) -> Any:
        step = make(model, batches)

        def take() -> str | None:
            bad = step()
            if timer.ident is None:
                timer.start()
            return bad

        return take

    loop.step_function = make_armed
