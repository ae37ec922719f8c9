"""`cmrtf phantom`: write a synthetic cohort."""

from pathlib import Path

import click

import cmrtf
from cmrtf.core.arguments import MAX_FRAMES, MAX_SUBJECTS
from cmrtf_cli import options


@click.command(epilog="Example: cmrtf phantom phantom/ --subjects 24")
@click.argument("out", type=options.PATH)
@click.option(
    "--subjects",
    type=click.IntRange(min=1, max=MAX_SUBJECTS),
    default=24,
    show_default=True,
    help="How many subjects.",
)
@click.option(
    "--frames",
    type=click.IntRange(min=2, max=MAX_FRAMES),
    default=10,
    show_default=True,
    help="Frames per heart beat.",
)
@options.seed_option("Same seed, same cohort.", default=1)
def command(out: Path, subjects: int, frames: int, seed: int) -> None:
    """Write a synthetic cohort in M&Ms layout into the new folder OUT.

    4D cine stacks of beating hearts (healthy, dilated, hypertrophic) as the scanners of two vendors
    would show them, labels at end diastole and end systole, and the table of subjects.
    """
    cmrtf.write_phantom_cohort(out, subjects=subjects, frames=frames, seed=seed, progress=True)
    click.echo(f"Wrote {subjects} subjects to {out}")
