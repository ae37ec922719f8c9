"""`cmrtf train-gan`: train the SPADE GAN."""

from pathlib import Path

import click

from cmrtf_cli import options
from cmrtf_cli.quiet import start_tensorflow


@click.command("train-gan", epilog="Example: cmrtf train-gan prepared/ --run runs/gan --preset cpu")
@click.argument("prepared", type=click.Path(path_type=Path))
@options.run
@options.preset
@options.steps
@options.resume
@options.seed
@options.deterministic
def command(
    prepared: Path,
    run_path: Path,
    preset: str,
    steps: int | None,
    resume: bool,
    seed: int,
    deterministic: bool,
) -> None:
    """Train the SPADE GAN on the training subjects of PREPARED.

    After every interval validation slices are synthesised into RUN/samples, in their own appearance and
    in that of another subject: look at them. Runs on all GPUs that TensorFlow sees, else on the CPU.

    SIGTERM and Ctrl-C save after the step under way; a run that was stopped, or killed, goes on with
    --resume. With TF_CONFIG set on each of them, several machines train one run.
    """
    start_tensorflow(deterministic)
    from cmrtf.training.train_gan import train_gan

    train_gan(prepared, run_path, preset, steps=steps, seed=seed, resume=resume, deterministic=deterministic)
    click.echo(f"Trained: {run_path}. Look at {run_path / 'samples'} and {run_path / 'log.csv'}.")
