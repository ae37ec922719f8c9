"""`cmrtf remodel`: an existing subject, with another heart."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cmrtf_cli import options
from cmrtf_cli.quiet import start_tensorflow

if TYPE_CHECKING:
    from cmrtf.synthesis.remodel import Remodelled

CLOSE_ENOUGH_PERCENT = 5.0


def _targets(_: click.Context, __: click.Parameter, text: str | None) -> dict[str, float]:
    from cmrtf.synthesis.criteria import parse_targets

    return {} if text is None else options.read_parameter(parse_targets, text)


@click.command(
    "remodel",
    epilog="Example: cmrtf remodel --model bundle/ --data prepared/ --subject A0S9V9 --towards DCM "
    '--target "EF=30 %" --out failing/',
)
@click.option(
    "--model", type=click.Path(path_type=Path), required=True, metavar="BUNDLE", help="Made by export."
)
@click.option(
    "--data", type=click.Path(path_type=Path), required=True, metavar="PREPARED", help="Made by prepare."
)
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
    callback=_targets,
    help="What it shall measure, such as 'EDV=200 ml, EF=30 %'; EDV, ESV, EF, MASS (g) are of the left "
    "ventricle, RVEDV, RVESV, RVEF of the right one. What is not named stays.",
)
@click.option(
    "--steps", type=click.IntRange(min=1), default=4, show_default=True, help="Subjects on the way."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="New folder for the outputs.")
def command(
    model: Path,
    data: Path,
    subject: str,
    towards: str | None,
    amount: float,
    targets: dict[str, float],
    steps: int,
    out: Path,
) -> None:
    """Move the heart of a subject towards a pathology, to given volumes, or both.

    Writes what interpolate writes: image.nii.gz and label.nii.gz per step and phase, measures.csv,
    figure.png, report.html (open it in a browser) and provenance.json. The table that is printed says what
    was wanted and what the labels measure.
    """
    from cmrtf.cohort.cohort import PreparedCohort
    from cmrtf.core.files import require_new_folder

    if towards is None and not targets:
        raise click.UsageError("expected --towards PATHOLOGY, --target TARGETS, or both.")
    require_new_folder(out)
    cohort = PreparedCohort.open(data)
    record = cohort.record(subject)
    start_tensorflow()
    from cmrtf.bundle.bundle import Bundle
    from cmrtf.report.outputs import write_outputs
    from cmrtf.synthesis.remodel import Change, remodel

    bundle = Bundle.open(model)
    change = Change(towards, amount, targets)
    remodelled = remodel(
        bundle, bundle.anatomy_prior(), record, cohort.load(subject), change, steps, progress=True
    )
    provenance = {
        **bundle.provenance,
        "data_hash": cohort.data_hash,
        "subject": subject,
        "towards": towards,
        "amount": amount if towards else None,
        "targets": targets,
        "steps": steps,
    }
    write_outputs(out, remodelled.subjects, remodelled.references, provenance)
    _echo_table(remodelled)
    click.echo(f"Done: {out}. Open {out / 'report.html'} in a browser, or look at {out / 'figure.png'}.")


def _echo_table(remodelled: "Remodelled") -> None:
    """What was wanted and what came of it."""
    from cmrtf.shape.plausibility import volume_faults
    from cmrtf.synthesis.criteria import QUANTITIES

    click.echo(f"{'':10}{'before':>10}{'wanted':>10}{'reached':>10}")
    for name, (unit, measure) in QUANTITIES.items():
        before, wanted, reached = (
            float(measure(volumes))
            for volumes in (remodelled.before_ml, remodelled.wanted_ml, remodelled.reached_ml)
        )
        percent_off = 100.0 * abs(reached / wanted - 1.0)
        note = "" if percent_off <= CLOSE_ENOUGH_PERCENT else f"  {percent_off:.0f} % off"
        click.echo(f"{name + ', ' + unit:10}{before:10.1f}{wanted:10.1f}{reached:10.1f}{note}")
    valid = sum(volume_faults(subject.label_ids).is_valid for subject in remodelled.subjects)
    click.echo(f"Stacks that look like a heart: {valid} of {len(remodelled.subjects)}.")
