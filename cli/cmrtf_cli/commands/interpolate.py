"""`cmrtf interpolate`: the intrasubject and the intersubject job."""

from pathlib import Path
from typing import Any

import click

import cmrtf
from cmrtf.core.arguments import MAX_BETWEEN
from cmrtf_cli import options


@click.command(
    "interpolate",
    epilog="Example: cmrtf interpolate --model bundle/ --data prepared/ "
    "--subject-a A0S9V9 --subject-b A1D9Z7 --out out/",
)
@options.bundle_or_server
@options.data
@click.option("--subject-a", required=True, metavar="CODE", help="Where the interpolation starts.")
@click.option("--subject-b", metavar="CODE", help="Where it ends. Without it: subject A's own slices only.")
@options.outputs
@options.phases
@options.slices
@click.option(
    "--subjects",
    "num_subjects",
    type=click.IntRange(min=1, max=MAX_BETWEEN),
    default=8,
    help="Between A and B.  [default: 8]",
)
@options.frames
@options.exact_ends
@options.repair
@options.seed_for_the_record
def command(
    model: Path | None,
    server: str | None,
    deadline_s: int,
    data: Path,
    subject_a: str,
    subject_b: str | None,
    out: Path,
    seed: int,
    **settings: Any,
) -> None:
    """Bring a subject to 32 slices, or interpolate from one subject to another.

    Writes image.nii.gz and label.nii.gz per synthetic subject and phase, measures.csv, figure.png,
    report.html (open it in a browser) and provenance.json; with --frames also a cine of each, and cine.csv.
    """
    if subject_a == subject_b:
        raise click.BadParameter("expected another subject than --subject-a.", param_hint="--subject-b")
    options.require_new_folder(out)
    bundle = options.open_bundle(model, server, deadline_s)
    cohort = cmrtf.open_cohort(data)
    ends = [cohort[code] for code in (subject_a, subject_b) if code is not None]
    facts = {"data_hash": cohort.data_hash, "seed": seed}
    interpolated = bundle.interpolate(*ends, facts=facts, **settings)
    num_stacks = sum(len(subject.stacks) for subject in interpolated)
    click.echo(f"Writing {num_stacks} stacks of {settings['num_slices']} slices ...")
    interpolated.save(out)
    labels = "true labels (--exact-ends)" if settings["exact_ends"] else "reconstructions (--no-exact-ends)"
    click.echo(f"Interpolated through the {labels} of the sources.\n{interpolated.comparison()}")
    options.echo_outputs(out)
