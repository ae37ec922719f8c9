"""`cmrtf generate`: a cohort of new subjects."""

from pathlib import Path
from typing import Any

import click

import cmrtf
from cmrtf.core.arguments import MAX_SUBJECTS
from cmrtf_cli import options


@click.command(
    "generate",
    epilog="Example: cmrtf generate --model bundle/ --subjects 100 --pathology DCM "
    '--where "EDV>180 ml, EF<35 %" --out failing/',
)
@options.model
@click.option("--subjects", type=click.IntRange(min=1, max=MAX_SUBJECTS), required=True, help="How many.")
@options.style
@click.option("--vendor", metavar="LETTER", help="Short for --style vendor:LETTER.")
@click.option(
    "--pathology", metavar="NAME", help="Whose hearts: NOR, DCM, ...  [default: as frequent as in training]"
)
@click.option(
    "--where",
    metavar="CONDITIONS",
    callback=options.parsed_by(options.conditions),
    help="What all hearts shall measure, such as 'EDV>180 ml, EF<35 %'; EDV, ESV, EF, MASS (g) are of the "
    "left ventricle, RVEDV, RVESV, RVEF of the right one.",
)
@click.option(
    "--images",
    type=click.Choice(["synthetic", "randomised", "mixed"]),
    default="synthetic",
    show_default=True,
    help="As --style says; every subject in a contrast that no scanner has, for segmenters that shall work "
    "on any; or every second one so.",
)
@options.frames
@click.option("--out", type=options.PATH, required=True, help="Folder: new, or a cohort to go on with.")
@click.option(
    "--format",
    "layout",
    type=click.Choice(["mnms", "nnunet", "bids"]),
    default="mnms",
    show_default=True,
    help="Layout of M&Ms, raw data set of nnU-Net v2, or BIDS derivative.",
)
@click.option(
    "--prefix",
    help="What codes begin with.  [default: SYN] With it, --out may be a data set of nnU-Net that is there: "
    "cases are added, and nothing else changes but what counts them.",
)
@options.seed
@click.option("--beam", is_flag=True, help="Let Apache Beam hand out subjects, here or on a cluster.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Subjects that Beam makes at the same time here.  [default: one per processor]",
)
@options.beam_options
def command(
    model: Path,
    subjects: int,
    style: str,
    vendor: str | None,
    out: Path,
    layout: str,
    prefix: str | None,
    beam: bool,
    workers: int | None,
    beam_options: tuple[str, ...],
    **request: Any,
) -> None:
    """Make new labelled subjects: stacks at ED and ES, or cines, of hearts and appearances that are drawn.

    Subjects are written one by one. What was stopped goes on with the same command, and with more --subjects
    a cohort grows. The folder provenance/ in --out says how each was made and what it measures, and has
    report.html: open it in a browser.

    With --beam many are made at a time, the same as without; options behind "--" say where (say,
    -- --runner=FlinkRunner), and all workers must see BUNDLE and --out.
    """
    options.require_beam_for(beam, beam_options)
    if workers is not None and not beam:
        raise click.UsageError("Expected --beam with --workers. Received: --workers alone.")
    if vendor is not None and style != "sample":
        raise click.UsageError("expected --style or --vendor. Received: both.")
    style = style if vendor is None else f"vendor:{vendor}"
    options.require_layout(out, layout, cines=request["num_frames"] is not None)
    options.require_writable(out)
    bundle = cmrtf.load_bundle(model)
    bundle.generate(subjects, style=style, **request).save(
        out, layout, prefix, workers=workers, beam=beam, beam_options=beam_options
    )
    report = out / "provenance" / (prefix or "") / "report.html"
    click.echo(f"Generated: {subjects} subjects in {out}. Open {report} in a browser.")
