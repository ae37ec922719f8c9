"""`cmrtf prepare`: from a raw data set to a prepared cohort."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cmrtf_cli import options
from cmrtf_cli.quiet import start_tensorflow

if TYPE_CHECKING:
    from cmrtf.cohort.build import BuiltCohort

SHOWN_SUBJECTS = 10


@click.command("prepare", epilog="Example: cmrtf prepare OpenDataset/ prepared/ --seed 1")
@click.argument("raw", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@options.data_format
@click.option(
    "--validation-fraction",
    type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
    default=0.2,
    show_default=True,
    help="Share of subjects held out, evenly over vendors and pathologies.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the split.")
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
@click.argument("beam_options", nargs=-1, type=click.UNPROCESSED, metavar="[-- BEAM_OPTIONS]")
def command(
    raw: Path,
    out: Path,
    data_format: str,
    validation_fraction: float,
    seed: int,
    workers: int | None,
    beam: bool,
    beam_options: tuple[str, ...],
) -> None:
    """Resample, crop and normalise the labelled subjects of RAW into the cohort OUT.

    RAW is M&Ms, M&Ms-2 or ACDC as it was downloaded, or a folder with a cmrtf.yaml (see the README).
    Every stack becomes 1.5 mm in-plane, 128 x 128 around the heart, apex first, with intensities in
    [-1, 1]. If any subject cannot be used (what `cmrtf check` calls an error), all such subjects are
    named and there is no cohort. What check calls a warning is repaired where its text says so, and
    stands in the manifest.

    The same command goes on where it was interrupted, and brings a cohort up to date with its RAW: subjects
    whose files have not changed are kept, and stay in their split.

    With --beam, options behind "--" say where the pipeline runs (say, -- --runner=SparkRunner); all its
    workers must see RAW and OUT. Without any it runs here.
    """
    from cmrtf.cohort.build import build_cohort
    from cmrtf.cohort.build_beam import build_sharded_cohort

    if beam_options and not beam:
        raise click.UsageError(f"Expected --beam with options of a pipeline. Received: {beam_options[0]}.")
    build: Callable[..., BuiltCohort] = build_cohort
    if beam:
        start_tensorflow()  # which writes shards
        build = partial(build_sharded_cohort, beam_options=beam_options)
    try:
        built = build(raw, out, data_format, validation_fraction, seed, workers, progress=True)
    except KeyboardInterrupt:
        click.echo("Interrupted. Subjects that are done stay: the same command goes on from there.", err=True)
        sys.exit(130)
    click.echo(_summary(built))
    click.echo(f"Next: cmrtf train-vae {out} --run runs/vae")


def _summary(built: BuiltCohort) -> str:
    """What was made, what was left out, what to look at."""
    counts = {kind: Counter[tuple[str, str]]() for kind in ("all", "vendor", "pathology")}
    for record in built.cohort.records:
        for kind, name in zip(counts, ("subjects", record.vendor, record.pathology), strict=True):
            counts[kind][name or "unknown", record.split] += 1
    total = counts["all"].total()
    lines = [f"Prepared {total} subjects ({built.data_format}) in {built.cohort.path}."]
    if built.kept:
        lines.append(f"{built.kept} of them were there already, unchanged.")
    lines.append(f"{'':20}{'train':>8}{'validation':>12}")
    for kind, numbers in counts.items():
        for name in sorted({name for name, _ in numbers}):
            train, validation = numbers[name, "train"], numbers[name, "validation"]
            lines.append(f"  {f'{kind} {name}':18}{train:>8}{validation:>12}")
    for reason in dict.fromkeys(skipped.reason for skipped in built.skipped):
        codes = [skipped.subject for skipped in built.skipped if skipped.reason == reason]
        lines.append(f"Skipped {len(codes)}, {reason}: {_some(codes)}.")
    for text in dict.fromkeys(warning.warning for warning in built.warnings):
        codes = [warning.subject for warning in built.warnings if warning.warning == text]
        lines.append(f"Warning, {len(codes)} of {total}: {text}: {_some(codes)}.")
    return "\n".join(lines)


def _some(codes: list[str]) -> str:
    """The first few codes."""
    return ", ".join(codes[:SHOWN_SUBJECTS]) + (", ..." if len(codes) > SHOWN_SUBJECTS else "")
