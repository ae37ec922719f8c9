"""`cmrtf interpolate`: the intrasubject and the intersubject job."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cmrtf_cli.quiet import start_tensorflow

if TYPE_CHECKING:
    from cmrtf.bundle.models import BundleModels


@click.command(
    "interpolate",
    epilog="Example: cmrtf interpolate --model bundle/ --data prepared/ "
    "--subject-a A0S9V9 --subject-b A1D9Z7 --out walk/",
)
@click.option("--model", type=click.Path(path_type=Path), metavar="BUNDLE", help="Made by export.")
@click.option(
    "--server",
    metavar="ADDRESS",
    help="In place of --model: TensorFlow Serving with the models of a bundle, grpc://HOST:8500 or "
    "http://HOST:8501 (grpcs, https with TLS); /LABEL behind it asks for the version with that label.",
)
@click.option(
    "--deadline",
    "deadline_s",
    type=click.IntRange(min=1, max=3600),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="With --server: how long one request may take.",
)
@click.option(
    "--data", type=click.Path(path_type=Path), required=True, metavar="PREPARED", help="Made by prepare."
)
@click.option("--subject-a", required=True, metavar="CODE", help="Where the walk starts.")
@click.option("--subject-b", metavar="CODE", help="Where it ends. Without it: subject A's own slices only.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="New folder for the outputs.")
@click.option("--phase", type=click.Choice(["ED", "ES", "both"]), default="both", show_default=True)
@click.option(
    "--slices", type=click.IntRange(min=2), default=32, show_default=True, help="Of each synthetic stack."
)
@click.option("--subjects", type=click.IntRange(min=1), default=8, show_default=True, help="Between A and B.")
@click.option(
    "--exact-ends",
    is_flag=True,
    help="Let walks pass through the true labels: what the decoder misses of the sources is interpolated and "
    "added. What --repair mends at the ends is not theirs.",
)
@click.option(
    "--repair/--no-repair",
    default=True,
    show_default=True,
    help="Mend labels that no heart can have (specks, holes, an open myocardium) before they are painted.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="For the record: a walk between posterior means draws nothing.",
)
def command(
    model: Path | None,
    server: str | None,
    deadline_s: int,
    data: Path,
    subject_a: str,
    subject_b: str | None,
    out: Path,
    phase: str,
    slices: int,
    subjects: int,
    exact_ends: bool,
    repair: bool,
    seed: int,
) -> None:
    """Bring a subject to 32 slices, or walk from one subject to another.

    Writes image.nii.gz and label.nii.gz per synthetic subject and phase, measures.csv, figure.png,
    report.html (open it in a browser) and provenance.json.
    """
    if (model is None) == (server is None):
        raise click.UsageError("expected either --model BUNDLE or --server ADDRESS.")
    if subject_a == subject_b:
        raise click.BadParameter("expected another subject than --subject-a.", param_hint="--subject-b")
    from cmrtf_cli.interpolation import interpolate

    start_tensorflow()
    codes = [subject_a] if subject_b is None else [subject_a, subject_b]
    interpolate(
        _models(model, server, deadline_s),
        data,
        codes,
        out,
        phase,
        slices,
        subjects,
        exact_ends,
        repair,
        seed,
    )
    click.echo(f"Done: {out}. Open {out / 'report.html'} in a browser, or look at {out / 'figure.png'}.")


def _models(model: Path | None, server: str | None, deadline_s: int) -> "Callable[[], BundleModels]":
    """What opens the bundle, or connects to the server."""
    from cmrtf.bundle.bundle import Bundle
    from cmrtf.bundle.server import Server

    return partial(Bundle.open, model) if model else partial(Server.connect, str(server), deadline_s)
