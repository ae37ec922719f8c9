"""`cmrtf train-vae`: train the label VAE."""

from pathlib import Path

import click

from cmrtf_cli import options
from cmrtf_cli.quiet import start_tensorflow


@click.command("train-vae", epilog="Example: cmrtf train-vae prepared/ --run runs/vae --preset cpu")
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
    """Train the label VAE on the training subjects of PREPARED.

    After every interval the validation subjects are reconstructed: the log shows the Dice of each
    structure and how many latent dimensions are in use. Runs on all GPUs that TensorFlow sees, else
    on the CPU.

    SIGTERM and Ctrl-C save after the step under way; a run that was stopped, or killed, goes on with
    --resume. With TF_CONFIG set on each of them, several machines train one run.
    """
    start_tensorflow(deterministic)
    from cmrtf.training.train_vae import train_vae

    train_vae(prepared, run_path, preset, steps=steps, seed=seed, resume=resume, deterministic=deterministic)
    click.echo(f"Trained: {run_path}. Look at {run_path / 'samples'} and {run_path / 'log.csv'}.")
