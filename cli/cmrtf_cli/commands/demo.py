"""`cmrtf demo`: the whole story, from raw data to a report."""

from pathlib import Path

import click

from cmrtf_cli import options


@click.command("demo", epilog="Example: cmrtf demo --out demo   or   cmrtf demo --data ACDC/ --out demo-acdc")
@click.option(
    "--out", type=options.PATH, default=Path("demo"), show_default=True, help="Folder for everything."
)
@click.option(
    "--data",
    "raw",
    type=options.PATH,
    metavar="RAW",
    help="A raw data set, as for prepare.  [default: a phantom cohort, made on the spot]",
)
@click.option(
    "--preset", metavar="NAME|FILE", help="Of the training.  [default: demo for the phantom, cpu for RAW]"
)
@options.seed
def command(out: Path, raw: Path | None, preset: str | None, seed: int) -> None:
    """Prepare, train, export, interpolate and report: minutes on the phantom, half an hour on RAW.

    Run it again on the same folder to go on where it stopped: parts that are finished stay.
    """
    from cmrtf_cli.demo import run_demo

    if preset is None:
        preset = "demo" if raw is None else "cpu"
    run_demo(out, raw, preset, seed)
