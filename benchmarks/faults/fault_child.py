"""`cmrtf` in a process of its own, which sends itself a signal some seconds after its first training step."""

import os
import resource
import sys
import threading
from pathlib import Path
from typing import Any

from cmrtf.training import loop
from cmrtf_cli.main import main

PRESET = """\
vae:
  {latent_dim: 4, widths: [4, 4, 4, 4], depth: 1, batch_size: 2, steps: 24, interval_steps: 4,
   learning_rate: 1.0e-3, kl_weight: 1.0, kl_warmup_steps: 20, between_weight: 1.0}
gan:
  {style_dim: 4, context_dim: 2, base_width: 1, hidden_channels: 4, style_base_width: 8,
   discriminator_base_width: 4, discriminator_layers: 2, batch_size: 2, steps: 24, interval_steps: 4}
"""
"""Of the trainings that are disturbed."""


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
