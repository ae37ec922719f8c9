"""`cmrtf export`: bundle two trained runs, or check a bundle."""

from pathlib import Path

import click

from cmrtf_cli import options


@click.command(
    "export",
    epilog="Example: cmrtf export --vae runs/vae --gan runs/gan bundle/   or   cmrtf export --check bundle/",
)
@click.option("--vae", "vae_run", type=options.PATH, help="Run of the label VAE.")
@click.option("--gan", "gan_run", type=options.PATH, help="Run of the SPADE GAN.")
@click.option(
    "--check",
    "checked",
    type=options.PATH,
    metavar="BUNDLE",
    help="Export nothing: verify the files of a bundle, load and run its models as a server does, and say "
    "what was found.",
)
@click.option(
    "--patient-codes",
    is_flag=True,
    help="Put the codes of every training subject into the bundle, for --style CODE. They decode to the "
    "subjects' own labels, and tell who was in training: give such a bundle to nobody who may not have the "
    "data.",
)
@click.argument("out", type=options.PATH, required=False)
def command(
    vae_run: Path | None, gan_run: Path | None, checked: Path | None, patient_codes: bool, out: Path | None
) -> None:
    """Write the trained models as SavedModels into the new folder OUT, a bundle.

    Hearts and appearances that a bundle draws from are no patient's, but drawn themselves from statistics of
    groups of five training subjects or more; vendors and pathologies with fewer are left out.

    `generate` and `synthesize` need nothing but a bundle; `interpolate`, `remodel` and `evaluate` need a
    prepared cohort too. The SavedModels of a bundle load without cmrtf and without Keras, and its folder
    serving/ says how to put them behind TensorFlow Serving.
    """
    import cmrtf_export
    from cmrtf.bundle.contents import read_description
    from cmrtf.synthesis.protocols import LABEL_VAE, SPADE_GAN
    from cmrtf.training.run import RunDirectory

    if checked is not None and not (vae_run or gan_run or patient_codes or out):
        read_description(checked)  # before TensorFlow starts
        for line in cmrtf_export.check_bundle(checked):
            click.echo(f"ok  {line}")
    elif checked is None and vae_run and gan_run and out:
        options.require_new_folder(out)
        for path, kind in ((vae_run, LABEL_VAE), (gan_run, SPADE_GAN)):
            RunDirectory.open(path, kind)
        cmrtf_export.export_bundle(vae_run, gan_run, out, patient_codes=patient_codes)
        click.echo(f"Exported: {out}. Its model card is {out / 'README.md'}: fill in what is marked there.")
    else:
        raise click.UsageError("expected --vae RUN, --gan RUN and OUT, or --check BUNDLE alone.")
