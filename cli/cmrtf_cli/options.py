"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from cmrtf.errors import CmrtfError

Value = TypeVar("Value")


def read_parameter(parse: Callable[[str], Value], text: str) -> Value:
    """Parse what an option was given; what cannot be parsed is that option's error."""
    try:
        return parse(text)
    except CmrtfError as error:
        raise click.BadParameter(str(error)) from error


preset = click.option(
    "--preset",
    default="cpu",
    show_default=True,
    metavar="NAME|FILE",
    help="demo, cpu, gpu, paper, or a YAML file of the same form.",
)
run = click.option(
    "--run",
    "run_path",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of the run: configuration, checkpoints, logs, samples.",
)
steps = click.option(
    "--steps",
    type=click.IntRange(min=1),
    help="Length of the run, rounded up to whole intervals.  [default: the preset's]",
)
resume = click.option("--resume", is_flag=True, help="Continue the run in --run from its last checkpoint.")
deterministic = click.option(
    "--deterministic",
    is_flag=True,
    help="The same bits each time, on one kind of machine; slower on a GPU.",
)
seed = click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same run."
)
style = click.option(
    "--style",
    default="sample",
    show_default=True,
    metavar="SUBJECT|VENDOR|CENTRE|FILE|sample",
    help="Look like a training subject or an image file, or like nobody: drawn from what images of a vendor "
    "or centre look like, or of all, each vendor as often as in training. Where two have one name: vendor:A, "
    "centre:1, subject:A1B2C3.",
)
data_format = click.option(
    "--format",
    "data_format",
    type=click.Choice(["auto", "mnms", "mnms2", "acdc", "folder"]),
    default="auto",
    show_default=True,
    help="Layout of RAW; auto goes by the files.",
)
