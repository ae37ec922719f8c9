"""`cmrtf synthesize`: an image for a label map of one's own."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cmrtf.errors import CmrtfError
from cmrtf_cli import options
from cmrtf_cli.quiet import start_tensorflow

if TYPE_CHECKING:
    from cmrtf.synthesis.label_synthesis import Appearance, LabelStack
    from cmrtf_export.bundle import Bundle

SHOWN_NAMES = 12
SAMPLE = "sample"


@click.command(
    "synthesize",
    epilog="Example: cmrtf synthesize --model bundle/ labels.nii.gz --out image.nii.gz --style A",
)
@click.option(
    "--model", type=click.Path(path_type=Path), required=True, metavar="BUNDLE", help="Made by export."
)
@click.argument("labels", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="NIfTI file for the image.")
@click.option(
    "--style",
    metavar="SUBJECT|VENDOR|FILE|sample",
    help="Look like a training subject, a vendor's average, an image file, or nobody: a draw from the "
    "prior.  [default: the first vendor]",
)
@options.seed
def command(model: Path, labels: Path, out: Path, style: str | None, seed: int) -> None:
    """Paint an image for the label map LABELS (3D NIfTI; 0 background, 1 LV, 2 myocardium, 3 RV).

    The image has the voxels and the place of LABELS. What the models know reaches 192 mm around the
    heart; beyond, the image is dark.
    """
    from cmrtf.data.nifti import write_nifti
    from cmrtf.synthesis.label_synthesis import read_labels, synthesize_on_source

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
    from cmrtf_export.bundle import Bundle

    bundle = Bundle.open(model)
    image = synthesize_on_source(bundle, stack, _appearance(bundle, style, stack, seed))
    write_nifti(out, image, stack.geometry.source_affine)
    click.echo(f"Painted: {out}.")


def _appearance(bundle: "Bundle", style: str | None, stack: "LabelStack", seed: int) -> "Appearance":
    import numpy as np

    from cmrtf.synthesis.label_synthesis import appearance_of_file, constant_appearance

    bank = bundle.style_bank()
    named = bank["vendors"] | bank["subjects"]
    name = next(iter(named)) if style is None else style
    if name in named:
        low, high = named[name]["intensity_window"]
        return constant_appearance(
            np.asarray(named[name]["style"], np.float32), (low, high), len(stack.label_ids)
        )
    if name == SAMPLE:
        low, high = np.mean([entry["intensity_window"] for entry in named.values()], axis=0)
        style_dim = len(next(iter(named.values()))["style"])
        drawn = np.random.default_rng(seed).standard_normal(style_dim).astype(np.float32)
        return constant_appearance(drawn, (low, high), len(stack.label_ids))
    if Path(name).is_file():
        return appearance_of_file(bundle, Path(name), stack)
    subjects, vendors = sorted(bank["subjects"]), sorted(bank["vendors"])
    more = ", ..." if len(subjects) > SHOWN_NAMES else ""
    raise CmrtfError(
        f"--style {name}: expected a vendor ({', '.join(vendors) or 'none here'}), a training subject "
        f"({', '.join(subjects[:SHOWN_NAMES])}{more}), an image file, "
        f"or {SAMPLE}. Received: none of these."
    )
