"""`cmrtf export`: bundle two trained runs, or check a bundle."""

from pathlib import Path

import click

from cmrtf_cli.quiet import start_tensorflow


@click.command(
    "export",
    epilog="Example: cmrtf export --vae runs/vae --gan runs/gan bundle/   or   cmrtf export --check bundle/",
)
@click.option("--vae", "vae_run", type=click.Path(path_type=Path), help="Run of the label VAE.")
@click.option("--gan", "gan_run", type=click.Path(path_type=Path), help="Run of the SPADE GAN.")
@click.option(
    "--check",
    "checked",
    type=click.Path(path_type=Path),
    metavar="BUNDLE",
    help="Export nothing: verify the files of a bundle, load and run its models as a server does, and say "
    "what was found.",
)
@click.argument("out", type=click.Path(path_type=Path), required=False)
def command(vae_run: Path | None, gan_run: Path | None, checked: Path | None, out: Path | None) -> None:
    """Write the trained models as SavedModels into the new folder OUT, a bundle.

    A bundle is all that `interpolate` and `synthesize` need. Its SavedModels load without cmrtf and
    without Keras, and its folder serving/ says how to put them behind TensorFlow Serving.
    """
    if checked is not None and not (vae_run or gan_run or out):
        _check(checked)
    elif checked is None and vae_run and gan_run and out:
        _export(vae_run, gan_run, out)
    else:
        raise click.UsageError("expected --vae RUN, --gan RUN and OUT, or --check BUNDLE alone.")


def _export(vae_run: Path, gan_run: Path, out: Path) -> None:
    start_tensorflow()
    from cmrtf_export.export import export_bundle

    export_bundle(vae_run, gan_run, out)
    click.echo(f"Exported: {out}. Its model card is {out / 'README.md'}: fill in what is marked there.")


def _check(bundle: Path) -> None:
    start_tensorflow()
    from cmrtf_export.check import check_bundle

    for line in check_bundle(bundle):
        click.echo(f"ok  {line}")
