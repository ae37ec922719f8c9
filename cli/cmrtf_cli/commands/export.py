"""`cmrtf export`: bundle two trained runs."""

from pathlib import Path

import click

from cmrtf_cli.quiet import start_tensorflow


@click.command("export", epilog="Example: cmrtf export --vae runs/vae --gan runs/gan bundle/")
@click.option(
    "--vae", "vae_run", type=click.Path(path_type=Path), required=True, help="Run of the label VAE."
)
@click.option(
    "--gan", "gan_run", type=click.Path(path_type=Path), required=True, help="Run of the SPADE GAN."
)
@click.argument("out", type=click.Path(path_type=Path))
def command(vae_run: Path, gan_run: Path, out: Path) -> None:
    """Write the trained models as SavedModels into the new folder OUT, a bundle.

    A bundle is all that `interpolate` and `synthesize` need. Its SavedModels load without cmrtf and
    without Keras.
    """
    start_tensorflow()
    from cmrtf_export.export import export_bundle

    export_bundle(vae_run, gan_run, out)
    click.echo(f"Exported: {out}. Its model card is {out / 'README.md'}.")
