"""`cmrtf remodel`: an existing subject, with another heart."""

from pathlib import Path
from typing import Any

import click

import cmrtf
from cmrtf.core.arguments import MAX_BETWEEN
from cmrtf_cli import options


@click.command(
    "remodel",
    epilog="Example: cmrtf remodel --model bundle/ --data prepared/ --subject A0S9V9 --towards DCM "
    '--target "EF=30 %" --out failing/',
)
@options.model
@options.data
@click.option("--subject", required=True, metavar="CODE", help="Whose heart to change.")
@click.option("--towards", metavar="PATHOLOGY", help="Where to move it: NOR, DCM, HCM, RV, ...")
@click.option(
    "--amount",
    type=click.FloatRange(min=0.0, max=2.0),
    default=1.0,
    show_default=True,
    help="How far: 1 is the difference between the average hearts of both pathologies.",
)
@click.option(
    "--target",
    "targets",
    metavar="TARGETS",
    callback=options.parsed_by(options.targets),
    help="What it shall measure, such as 'EDV=200 ml, EF=30 %'; EDV, ESV, EF, MASS (g) are of the left "
    "ventricle, RVEDV, RVESV, RVEF of the right one. What is not named stays.",
)
@click.option(
    "--steps",
    "num_steps",
    type=click.IntRange(min=1, max=MAX_BETWEEN),
    default=4,
    show_default=True,
    help="Subjects on the way.",
)
@options.outputs
def command(model: Path, data: Path, subject: str, out: Path, **change: Any) -> None:
    """Move the heart of a subject towards a pathology, to given volumes, or both.

    Writes what interpolate writes. A table says what was wanted and what the labels measure.
    """
    if change["towards"] is None and not change["targets"]:
        raise click.UsageError("expected --towards PATHOLOGY, --target TARGETS, or both.")
    options.require_new_folder(out)
    cohort = cmrtf.open_cohort(data)
    source = cohort[subject]
    remodelled = cmrtf.load_bundle(model).remodel(source, facts={"data_hash": cohort.data_hash}, **change)
    remodelled.save(out)
    click.echo(remodelled.change.table())
    options.echo_outputs(out)
