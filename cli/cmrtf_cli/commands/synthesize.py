"""`cmrtf synthesize`: images for label maps of one's own."""

from pathlib import Path

import click

import cmrtf
from cmrtf_cli import options


@click.command(
    "synthesize",
    epilog="Example: cmrtf synthesize --model bundle/ labels.nii.gz --out image.nii.gz --style A",
)
@options.model
@click.argument("labels", type=options.PATH)
@click.option(
    "--out",
    type=options.PATH,
    required=True,
    help="NIfTI file for the image; new folder for those of a folder or a 4D file.",
)
@click.option(
    "--label-values",
    metavar="VALUES",
    callback=options.parsed_by(options.label_values),
    help="What stands for which structure in LABELS, such as 'LV=3, MYO=2, RV=1', ACDC's order.  [default: "
    "LV=1, MYO=2, RV=3]",
)
@options.style
@options.seed
def command(
    model: Path, labels: Path, out: Path, label_values: dict[str, int] | None, style: str, seed: int
) -> None:
    """Synthesise an image for the label map LABELS (3D NIfTI), or one for each of many.

    The image has the voxels and the place of LABELS. The models know the 192 x 192 mm around the heart;
    beyond, the image is dark.

    LABELS may be a folder of label files, and a file may be 4D, of which the labelled frames count: then
    --out is a folder with an image NAME.nii.gz for each, or NAME_frame07.nii.gz, counted from 0. Labels are
    checked as prepare checks them, all before the first image is made.
    """
    from cmrtf.core import files

    one_image = out.name.endswith((".nii", ".nii.gz"))
    if not one_image and out.suffix and not files.is_folder(labels):
        raise click.BadParameter(
            f"expected a name ending in .nii or .nii.gz, or of a folder. Received: {out}.", param_hint="--out"
        )
    (files.require_new_file if one_image else files.require_new_folder)(out)
    bundle = cmrtf.load_bundle(model)
    if one_image:
        image = bundle.synthesize(labels, style=style, seed=seed, label_values=label_values)
        image.save_on_source(out)
    else:
        images = bundle.synthesize_all(labels, style=style, seed=seed, label_values=label_values)
        images.save(out)
    click.echo(f"Synthesised: {out}.")
