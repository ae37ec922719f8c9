"""`cmrtf evaluate`: numbers and a report on a bundle."""

from pathlib import Path
from typing import Any

import click

import cmrtf
from cmrtf_cli import options


@click.command(
    "evaluate",
    epilog="Example: cmrtf evaluate --model bundle/ --data prepared/ --out evaluation/",
)
@options.model
@options.data
@click.option("--out", type=options.PATH, required=True, help="New folder for the report.")
@click.option(
    "--segmenters",
    type=options.PATH,
    metavar="FOLDER",
    help="Where trained segmenters are kept and, if they fit, taken from.  [default: OUT-segmenters]",
)
@click.option(
    "--walks",
    "num_subjects",
    type=click.IntRange(min=4),
    default=40,
    help="Synthetic subjects.  [default: 40]",
)
@click.option(
    "--training-steps",
    type=click.IntRange(min=1),
    help="Of the reference segmenter.  [default: 1800, about six minutes on two cores]",
)
@options.seed
def command(model: Path, data: Path, out: Path, **settings: Any) -> None:
    """Say how good a bundle is: shapes, images, labels, clinical measures and privacy.

    PREPARED is the cohort that the bundle was trained on: its validation subjects were held out. Writes
    report.html (open it in a browser) and evaluation.json. The reference segmenter is a network trained on
    the real training subjects; it is kept, so that the next evaluation is quick. Every figure stands beside
    that of real data. Whether synthetic data help to segment is what `cmrtf benchmark` says.
    """
    options.require_new_folder(out)
    cohort, bundle = cmrtf.open_cohort(data), cmrtf.load_bundle(model)
    cmrtf.evaluate(bundle, cohort, out, progress=True, **settings)
    click.echo(f"Done: {out}. Open {out / 'report.html'} in a browser.")
