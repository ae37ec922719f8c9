"""`cmrtf generate`: a cohort of hearts that nobody has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cmrtf_cli import options
from cmrtf_cli.quiet import start_tensorflow

if TYPE_CHECKING:
    from cmrtf.report.generated_cohort import Source
    from cmrtf.synthesis.criteria import Condition


def _conditions(_: click.Context, __: click.Parameter, text: str | None) -> tuple[Condition, ...]:
    from cmrtf.synthesis.criteria import parse_conditions

    return () if text is None else options.read_parameter(parse_conditions, text)


@click.command(
    "generate",
    epilog="Example: cmrtf generate --model bundle/ --subjects 100 --pathology DCM "
    '--where "EDV>180 ml, EF<35 %" --out failing/',
)
@click.option(
    "--model", type=click.Path(path_type=Path), required=True, metavar="BUNDLE", help="Made by export."
)
@click.option("--subjects", type=click.IntRange(min=1), required=True, help="How many.")
@options.style
@click.option("--vendor", metavar="LETTER", help="Short for --style vendor:LETTER.")
@click.option(
    "--pathology", metavar="NAME", help="Whose hearts: NOR, DCM, ...  [default: as frequent as in training]"
)
@click.option(
    "--where",
    "conditions",
    metavar="CONDITIONS",
    callback=_conditions,
    help="What all hearts shall measure, such as 'EDV>180 ml, EF<35 %'; EDV, ESV, EF, MASS (g) are of the "
    "left ventricle, RVEDV, RVESV, RVEF of the right one.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Folder: new, or a cohort to go on with."
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["mnms", "nnunet", "bids"]),
    default="mnms",
    show_default=True,
    help="Layout of M&Ms, raw data set of nnU-Net v2, or BIDS derivative.",
)
@options.seed
def command(
    model: Path,
    subjects: int,
    style: str,
    vendor: str | None,
    pathology: str | None,
    conditions: tuple[Condition, ...],
    out: Path,
    format_name: str,
    seed: int,
) -> None:
    """Make new labelled subjects: 3D stacks at ED and ES of hearts and appearances that are drawn.

    Subjects are written one by one. What was stopped goes on with the same command. The folder provenance/
    in --out says how each was made and what it measures, and has report.html: open it in a browser.
    """
    from cmrtf.datasets.formats import FORMATS
    from cmrtf.report.generated_cohort import Request, generate_cohort
    from cmrtf.report.provenance import PROVENANCE
    from cmrtf.synthesis.appearance import SAMPLE

    if vendor and style != SAMPLE:
        raise click.UsageError("expected --style or --vendor. Received: both.")
    FORMATS[format_name].check_folder(out)
    start_tensorflow()
    style = f"vendor:{vendor}" if vendor else style
    request = Request(subjects, seed, style, pathology, conditions)
    generate_cohort(_source(model), request, FORMATS[format_name], out)
    report = out / PROVENANCE / "report.html"
    click.echo(f"Generated: {subjects} subjects in {out}. Open {report} in a browser.")


def _source(model: Path) -> Source:
    from cmrtf.bundle.bundle import Bundle
    from cmrtf.report.generated_cohort import Source

    bundle = Bundle.open(model)
    return Source(bundle, bundle.anatomy_prior(), bundle.appearance_bank(), bundle.provenance)
