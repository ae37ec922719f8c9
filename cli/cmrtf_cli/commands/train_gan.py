"""`cmrtf train-gan`: train the SPADE GAN."""

from pathlib import Path
from typing import Any

import click

import cmrtf
from cmrtf_cli import options


@click.command("train-gan", epilog="Example: cmrtf train-gan prepared/ --run runs/gan --preset cpu")
@options.prepared
@options.run
@options.preset
@options.settings
@options.steps
@options.resume
@options.seed_of_run
@options.deterministic
def command(prepared: Path | None, run_path: Path, **asked: Any) -> None:
    """Train the SPADE GAN on the training subjects of PREPARED.

    After every interval validation slices are synthesised into RUN/samples, in their own appearance and
    in that of another subject: look at them. Runs on all GPUs that TensorFlow sees, else on the CPU.

    SIGTERM, Ctrl-C and a closed terminal save after the step under way; a run that was stopped, or
    killed, goes on with --run RUN --resume alone, and one that is finished with more --steps too. With
    TF_CONFIG set on each of them, several machines train one run.
    """
    cmrtf.train_gan(prepared, run_path, **asked)
    click.echo(f"Trained: {run_path}. Look at {run_path / 'samples'} and {run_path / 'curves.png'}.")
