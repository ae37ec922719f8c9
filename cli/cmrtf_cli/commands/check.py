"""`cmrtf check`: what is there, and what is wrong with it, before hours are spent on it."""

import json
import sys
from pathlib import Path
from typing import Any

import click

import cmrtf
from cmrtf_cli import options


@click.command("check", epilog="Example: cmrtf check OpenDataset/ --json")
@click.argument("raw", type=options.PATH)
@options.data_format
@options.exclude
@options.slice_orders
@click.option("--json", "as_json", is_flag=True, help="Print the same as JSON.")
def command(raw: Path, as_json: bool, **settings: Any) -> None:
    """Read all of RAW and say what is there and what is wrong with it, file by file; nothing is written.

    An error is what prepare would refuse; a warning is what it would use as it is, or repair, as the
    text says. Exit code 1 when there is an error.
    """
    inspection = cmrtf.check(raw, progress=not as_json, **settings)
    click.echo(json.dumps(inspection.to_dict(), indent=1) if as_json else inspection)
    sys.exit(1 if inspection.num_errors else 0)
