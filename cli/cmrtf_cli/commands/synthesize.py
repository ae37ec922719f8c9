"""`cmrtf synthesize`: an image for a label map of one's own."""

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
@click.option("--out", type=options.PATH, required=True, help="NIfTI file for the image.")
@options.style
@options.seed
def command(model: Path, labels: Path, out: Path, style: str, seed: int) -> None:
    """Synthesise an image for the label map LABELS (3D NIfTI; 0 background, 1 LV, 2 myocardium, 3 RV).

    The image has the voxels and the place of LABELS. The models know the 192 x 192 mm around the heart;
    beyond, the image is dark.
    """
    from cmrtf.core.files import require_new_file

    if not out.name.endswith((".nii", ".nii.gz")):
        raise click.BadParameter(
            f"expected a name ending in .nii or .nii.gz. Received: {out}.", param_hint="--out"
        )
    require_new_file(out)
    cmrtf.load_bundle(model).synthesize(labels, style=style, seed=seed).save_on_source(out)
    click.echo(f"Synthesised: {out}.")
