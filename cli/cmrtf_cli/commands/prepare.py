"""`cmrtf prepare`: from a raw data set to a prepared cohort."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cmrtf_cli import options

if TYPE_CHECKING:
    from cmrtf.data.cohort_builder import BuiltCohort

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
def command(
    raw: Path, out: Path, data_format: str, validation_fraction: float, seed: int, workers: int | None
) -> None:
    """Resample, crop and normalise the labelled subjects of RAW into the new folder OUT.

    RAW is M&Ms, M&Ms-2 or ACDC as it was downloaded, or a folder with a cmrtf.yaml (see the README).
    Every stack becomes 1.5 mm in-plane, 128 x 128 around the heart, apex first, with intensities in
    [-1, 1]. If any subject cannot be used (what `cmrtf check` calls an error), all such subjects are
    named and nothing is written. What check calls a warning is repaired where its text says so, and
    stands in the manifest.
    """
    from cmrtf.data.cohort_builder import build_cohort

    built = build_cohort(raw, out, data_format, validation_fraction, seed, workers, progress=True)
    click.echo(_summary(built))
    click.echo(f"Next: cmrtf train-vae {out} --run runs/vae")


def _summary(built: BuiltCohort) -> str:
    """What was made, what was left out, what to look at."""
    records = built.cohort.records
    lines = [f"Prepared {len(records)} subjects ({built.data_format}) in {built.cohort.path}."]
    lines.append(f"{'':20}{'train':>8}{'validation':>12}")
    lines += _counts("all", [("subjects", record.split) for record in records])
    lines += _counts("vendor", [(record.vendor, record.split) for record in records])
    lines += _counts("pathology", [(record.pathology, record.split) for record in records])
    for reason in dict.fromkeys(skipped.reason for skipped in built.skipped):
        codes = [skipped.subject for skipped in built.skipped if skipped.reason == reason]
        lines.append(f"Skipped {len(codes)}, {reason}: {_some(codes)}.")
    for text in dict.fromkeys(warning.warning for warning in built.warnings):
        codes = [warning.subject for warning in built.warnings if warning.warning == text]
        lines.append(f"Warning, {len(codes)} of {len(records)}: {text}: {_some(codes)}.")
    return "\n".join(lines)


def _some(codes: list[str]) -> str:
    """The first few codes."""
    return ", ".join(codes[:SHOWN_SUBJECTS]) + (", ..." if len(codes) > SHOWN_SUBJECTS else "")


def _counts(kind: str, values: list[tuple[str, str]]) -> list[str]:
    """One line for each value: how many train, how many validate."""
    counts = Counter((name or "unknown", split) for name, split in values)
    names = sorted({name for name, _ in counts})
    return [
        f"  {f'{kind} {name}':18}{counts[name, 'train']:>8}{counts[name, 'validation']:>12}" for name in names
    ]
