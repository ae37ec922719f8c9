"""`cmrtf benchmark`: do synthetic data help a segmenter, and which with how many patients."""

from pathlib import Path
from typing import Any

import click

import cmrtf
from cmrtf_cli import options


@click.command(
    "benchmark",
    epilog="Example: cmrtf benchmark --data prepared/ --out benchmark/ --patients 10 --seeds 1 --folds 1",
)
@options.data
@click.option(
    "--out",
    type=options.PATH,
    required=True,
    help="New folder, or that of a benchmark with the same settings, which goes on.",
)
@click.option(
    "--patients",
    type=click.IntRange(min=2),
    multiple=True,
    help="How many to train on; can be given again.  [default: 5, 10, 20 and all]",
)
@click.option(
    "--folds",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Divisions into patients to train on and to test; the first is that of PREPARED.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Trainings of each segmenter.",
)
@click.option(
    "--arm",
    "arms",
    multiple=True,
    metavar="ARM",
    help="What to train on: real, strong, warped, randomised, ours, ours-strong, ours-randomised, "
    "pretrained, only-randomised or only-ours; can be given again.  [default: all of them]",
)
@click.option(
    "--unseen",
    type=options.PATH,
    multiple=True,
    metavar="PREPARED",
    help="Patients of other scanners to test on, too, made by prepare; can be given again.",
)
@options.preset
@click.option(
    "--training-steps",
    type=click.IntRange(min=1),
    default=1200,
    show_default=True,
    help="Of each segmenter.",
)
@click.option(
    "--walks",
    "num_synthetic",
    type=click.IntRange(min=1),
    default=40,
    show_default=True,
    help="Subjects to interpolate for each training with synthetic ones.",
)
def command(data: Path, out: Path, preset: str | None, **settings: Any) -> None:
    """Say which data to train a segmenter on: real, augmented, synthetic, or in random contrasts.

    PREPARED is divided into patients to train on and to test. For each number of patients a label VAE and a
    GAN are trained on these alone, then a segmenter in each way, all with as many steps. They are tested on
    patients whom nothing has seen, on the same re-imaged, and on those of --unseen. Writes report.html (open
    it in a browser) and results.json whenever a number of patients is done. What is trained is kept: after a
    stop the same command goes on.
    """
    options.require_writable(out)
    cohort = cmrtf.open_cohort(data)
    networks = options.bundle_trainer(preset)
    wanted = {name: value for name, value in settings.items() if value != ()}
    cmrtf.benchmark(cohort, out, networks, progress=True, **wanted)
    click.echo(f"Done: {out}. Open {out / 'report.html'} in a browser.")
