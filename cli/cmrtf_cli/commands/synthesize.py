"""`cmrtf synthesize`: an image for a label map of one's own."""

from pathlib import Path

import click

from cmrtf.errors import CmrtfError
from cmrtf_cli import options
from cmrtf_cli.quiet import start_tensorflow


@click.command(
    "synthesize",
    epilog="Example: cmrtf synthesize --model bundle/ labels.nii.gz --out image.nii.gz --style A",
)
@click.option(
    "--model", type=click.Path(path_type=Path), required=True, metavar="BUNDLE", help="Made by export."
)
@click.argument("labels", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="NIfTI file for the image.")
@options.style
@options.seed
def command(model: Path, labels: Path, out: Path, style: str, seed: int) -> None:
    """Paint an image for the label map LABELS (3D NIfTI; 0 background, 1 LV, 2 myocardium, 3 RV).

    The image has the voxels and the place of LABELS. What the models know reaches 192 mm around the
    heart; beyond, the image is dark.
    """
    import numpy as np

    from cmrtf.core.nifti import write_nifti
    from cmrtf.synthesis.appearance import find_style
    from cmrtf.synthesis.synthesize import read_labels, synthesize_on_source

    if not out.name.endswith((".nii", ".nii.gz")):
        raise click.BadParameter(
            f"expected a name ending in .nii or .nii.gz. Received: {out}.", param_hint="--out"
        )
    if out.exists():
        raise CmrtfError(f"{out}: expected a file that does not exist yet. Received: one that does.")
    if not out.resolve().parent.is_dir():
        raise CmrtfError(f"{out}: expected its folder to exist. Received: no {out.resolve().parent}.")
    stack = read_labels(labels)
    start_tensorflow()
    from cmrtf.bundle.bundle import Bundle

    bundle = Bundle.open(model)
    wanted = find_style(bundle, bundle.appearance_bank(), style, stack.geometry)
    image = synthesize_on_source(bundle, stack, wanted.draw(np.random.default_rng(seed)))
    write_nifti(out, image, stack.geometry.source_affine)
    click.echo(f"Painted: {out}.")
