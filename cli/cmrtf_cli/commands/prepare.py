"""`cmrtf prepare`: from a raw data set to a prepared cohort."""

from pathlib import Path
from typing import Any

import click

import cmrtf
from cmrtf_cli import options


@click.command("prepare", epilog="Example: cmrtf prepare OpenDataset/ prepared/ --seed 1")
@click.argument("raw", type=options.PATH)
@click.argument("out", type=options.PATH)
@options.data_format
@options.exclude
@options.slice_orders
@click.option(
    "--skip-unusable",
    is_flag=True,
    help="Leave out subjects that cannot be used, and name them in the manifest.",
)
@click.option(
    "--validation-fraction",
    type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
    default=0.2,
    show_default=True,
    help="Share of subjects held out, evenly over vendors and pathologies.",
)
@options.seed_option("Seed of the split.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Subjects prepared at the same time.  [default: one per processor]",
)
@click.option(
    "--beam",
    is_flag=True,
    help="Prepare with Apache Beam, into shards that training reads from disk: for cohorts of any size.",
)
@options.beam_options
def command(raw: Path, out: Path, beam_options: tuple[str, ...], **settings: Any) -> None:
    """Resample, crop and normalise the labelled subjects of RAW into the cohort OUT.

    RAW is M&Ms, M&Ms-2, ACDC or Sunnybrook as it was downloaded, a raw data set of nnU-Net, or a folder with
    a cmrtf.yaml: see docs/how-to/own-folder.md. Every stack becomes 1.5 mm in-plane, 128 x 128 around the
    heart, apex first, with intensities in [-1, 1]. If any subject cannot be used (what `cmrtf check` calls an
    error), all such subjects are named and there is no cohort, unless --skip-unusable leaves them out. What
    check calls a warning is repaired where its text says so, and stands in the manifest.

    The same command goes on where it was interrupted, and brings a cohort up to date with its RAW: subjects
    whose files have not changed are kept, and stay in their split. Those that RAW has no longer must be named
    with --exclude: another data set needs another OUT.

    With --beam, options behind "--" say where the pipeline runs (say, -- --runner=SparkRunner); all its
    workers must see RAW and OUT. Without any it runs here.
    """
    options.require_beam_for(settings["beam"], beam_options)
    built = cmrtf.prepare(raw, out, beam_options=beam_options, progress=True, **settings)
    click.echo(built)
    click.echo(f"Next: cmrtf train-vae {out} --run runs/vae")
