"""`cmrtf convert`: a DICOM cine series as NIfTI."""

from pathlib import Path

import click

import cmrtf
from cmrtf_cli import options


@click.command("convert", epilog="Example: cmrtf convert series/ cine.nii.gz")
@click.argument("series", type=options.PATH)
@click.argument("out", type=options.PATH)
def command(series: Path, out: Path) -> None:
    """Write the DICOM cine SERIES (its folder, or one multi-frame file) as the NIfTI file OUT.

    Slices are put in order by their positions and frames by their trigger times; the names of files mean
    nothing. Pixels, place and time step are carried over, and no text: no names, no dates, no identifiers.
    Needs pydicom: pip install 'cmrtf[dicom]'.
    """
    x, y, slices, frames = cmrtf.convert(series, out).shape
    click.echo(f"Converted: {out}, {slices} slices of {x} x {y} pixels, {frames} frames.")
