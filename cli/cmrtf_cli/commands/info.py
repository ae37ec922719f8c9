"""`cmrtf info`: what a prepared cohort, a run or a bundle is."""

import json
from pathlib import Path

import click

import cmrtf
from cmrtf_cli import options


@click.command("info", epilog="Example: cmrtf info prepared/   or   cmrtf info runs/gan --json")
@click.argument("path", type=options.PATH)
@click.option("--json", "as_json", is_flag=True, help="Print the same as JSON.")
def command(path: Path, as_json: bool) -> None:
    """Say what a prepared cohort, a run or a bundle is.

    Of a cohort: its subjects, their split, vendors, centres and pathologies. Of a run and a bundle: how long
    it was trained, with which settings, and on whom. Nothing is loaded but small files.
    """
    described = cmrtf.info(path)
    click.echo(json.dumps(described.to_dict(), indent=1) if as_json else described)
