"""`cmrtf adapt`: labelled patients of one scanner, as another one would see them."""

from pathlib import Path
from typing import Any

import click

import cmrtf
from cmrtf_cli import options


@click.command(
    "adapt",
    epilog="Example: cmrtf adapt OpenDataset/Training/Labeled/ OpenDataset/Training/Unlabeled/ --vendor C "
    "--out adapted/",
)
@click.argument("labelled", type=options.PATH)
@click.argument("unlabelled", type=options.PATH)
@click.option(
    "--out",
    type=options.PATH,
    required=True,
    help="New folder, or that of an adaptation with the same settings, which goes on.",
)
@click.option(
    "--vendor",
    type=click.Choice(["A", "B", "C", "D"]),
    help="Of UNLABELLED's scanners.  [default: unknown]",
)
@click.option(
    "--copies",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="How often each labelled patient is given other images.",
)
@options.preset
@click.option(
    "--training-steps",
    type=click.IntRange(min=1),
    default=1200,
    show_default=True,
    help="Of the segmenter that predicts labels.",
)
def command(
    labelled: Path, unlabelled: Path, out: Path, preset: str | None, vendor: str | None, **settings: Any
) -> None:
    """Make a data set to train a segmenter for a scanner of which you have no labels.

    LABELLED is a raw data set; UNLABELLED a folder of images (NIfTI, 3D or cines, or DICOM series) of other
    scanners. A segmenter that learns from the first predicts labels of the second; those that look like
    hearts are kept, in predicted/, where they can be looked at. A GAN learns from both, and gives the
    labelled patients images in appearances of the others. Writes Dataset501_Adapted, a raw data set of
    nnU-Net with the patients as they are and so, bundle/, and report.html: open it in a browser. Takes as
    long as a training of both models. What was stopped goes on with the same command.
    """
    options.require_writable(out)
    networks = options.bundle_trainer(preset)
    cmrtf.adapt(labelled, unlabelled, out, networks, vendor=vendor or "", progress=True, **settings)
    click.echo(f"Done: {out}. Open {out / 'report.html'} in a browser.")
