"""Writes `cli-help.txt`, the `--help` of every command: changes of the command line show in review."""

from importlib.metadata import version
from pathlib import Path

from click.testing import CliRunner

from cmrtf_cli.main import COMMANDS, cli

PATH = Path(__file__).with_name("cli-help.txt")
WIDTH = 100


def heading() -> str:
    """First line of the file: click words and wraps help its own way in each minor version."""
    major, minor, *_ = version("click").split(".")
    return f"Written by `make cli-help` with click {major}.{minor}."


def cli_help() -> str:
    """What `cmrtf --help` and `cmrtf COMMAND --help` print on a terminal of `WIDTH` columns."""
    pages = [f"{heading()}\n"]
    for arguments in ([], *([name] for name in COMMANDS)):
        result = CliRunner().invoke(
            cli, [*arguments, "--help"], prog_name="cmrtf", terminal_width=WIDTH, catch_exceptions=False
        )
        pages.append(f"$ {' '.join(['cmrtf', *arguments, '--help'])}\n{result.output}")
    return "\n".join(pages)


if __name__ == "__main__":
    PATH.write_text(cli_help(), encoding="utf-8")
