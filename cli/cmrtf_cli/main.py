"""The `cmrtf` command group.

Command modules are imported only when their command runs or is described, and they import
TensorFlow only inside their functions: `cmrtf --help` answers at once.
"""

import errno
import importlib
import logging
import shlex
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

import click

from cmrtf.core.stopping import SIGNALS, Stopped, stopping_when_asked
from cmrtf.errors import CmrtfError
from cmrtf.version import __version__
from cmrtf_cli.environment import settle_environment
from cmrtf_cli.foreign_errors import message_of
from cmrtf_cli.options import PATH
from cmrtf_cli.terminal import Terminal

logger = logging.getLogger("cmrtf.cli")

COMMANDS = {
    "demo": "The whole story on a phantom cohort or your own data.",
    "phantom": "Write a synthetic cohort in M&Ms layout.",
    "check": "Say what a raw cohort has and what is wrong with it.",
    "info": "Say what a prepared cohort, a run or a bundle is.",
    "convert": "Write a DICOM cine series as NIfTI.",
    "prepare": "Resample, crop and normalise a raw cohort.",
    "train-vae": "Train the label VAE on a prepared cohort.",
    "train-gan": "Train the SPADE GAN on a prepared cohort.",
    "export": "Bundle trained runs as SavedModels.",
    "interpolate": "Interpolate within a subject, or between two.",
    "generate": "Make a cohort of new subjects.",
    "remodel": "Change the heart of a subject.",
    "synthesize": "Turn a label map into an image.",
    "adapt": "Make images as another scanner would, from two folders.",
    "evaluate": "Say how good a bundle is, in numbers.",
    "benchmark": "Say whether synthetic data help to segment.",
}
"""Command name to its line in `cmrtf --help`, in the order in which they are used."""


GOES_ON = {
    "demo": "The same command goes on from there.",
    "prepare": "Subjects that are done stay: the same command goes on from there.",
    "train-vae": "To go on: the same command with --resume.",
    "train-gan": "To go on: the same command with --resume.",
    "generate": "Subjects that are done stay: the same command goes on from there.",
    "adapt": "Stages that are done stay: the same command goes on from there.",
    "evaluate": "Segmenters that are trained stay: the same command goes on from there.",
    "benchmark": "What is trained stays: the same command goes on from there.",
}
"""Commands that need not begin anew when they are stopped, and how to go on."""

NOTHING_WRITTEN = "Nothing was written."

DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
"""What a disk or its owner refuses: not a bug."""

ASKS_FOR_HELP = {"-h", "--help"}


class LazyGroup(click.Group):
    """A group that imports a command's module on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of use, not of the alphabet."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command `a-b` is the attribute `command` of `cmrtf_cli.commands.a_b`."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"cmrtf_cli.commands.{cmd_name.replace('-', '_')}")
        return module.command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, or say in one line that it was stopped, and how it goes on."""
        try:
            with stopping_when_asked():
                return super().invoke(ctx)
        except Stopped as stopped:
            _tell(stopped, GOES_ON.get(ctx.invoked_subcommand or "", NOTHING_WRITTEN))
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": sorted(ASKS_FOR_HELP), "max_content_width": 100}
)
@click.version_option(__version__, prog_name="cmrtf")
@click.option("--quiet", is_flag=True, help="Show results, warnings and errors alone: no progress.")
@click.option(
    "--log-file",
    type=PATH,
    metavar="FILE",
    help="Keep what is shown in FILE too, with times; it is added to. Bars are left out.",
)
@click.pass_context
def cli(ctx: click.Context, quiet: bool, log_file: Path | None) -> None:
    """Labelled synthetic cardiac MR: hearts between hearts, images from labels.

    \b
    See it work (about 8 minutes on a laptop):
        cmrtf demo --out demo

    \b
    On your own data:
        cmrtf check OpenDataset/
        cmrtf prepare OpenDataset/ prepared/
        cmrtf train-vae prepared/ --run runs/vae
        cmrtf train-gan prepared/ --run runs/gan
        cmrtf export --vae runs/vae --gan runs/gan bundle/
        cmrtf interpolate --model bundle/ --data prepared/ --subject-a A0S9V9 --subject-b A1D9Z7 --out out/
    """  # noqa: D301 - click reads \b
    from cmrtf_cli.log import show_log

    show_log(quiet)
    if isinstance(ctx.obj, Terminal):  # and not a test, or a program that calls this function
        if log_file:
            ctx.obj.keep(log_file)
        if not ASKS_FOR_HELP & set(sys.argv[1:]):
            logger.info("%s", shlex.join(["cmrtf", __version__, *sys.argv[1:]]))


def main() -> None:
    """Console entry point: a user's error is one paragraph and exit code 1, usage errors are 2.

    What was stopped ends with 143 after SIGTERM, 130 after Ctrl-C and 129 after SIGHUP.
    """
    with stopping_when_asked():
        try:
            _run()
        except Stopped as stopped:
            signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # until the process has ended
            _tell(stopped)  # before or after the command itself: what was written is not known here
            raise


def _run() -> None:
    terminal = Terminal()
    with terminal.shown():
        try:
            settle_environment()
            cli(prog_name="cmrtf", obj=terminal)
        except CmrtfError as error:
            _fail(str(error))
        except OSError as error:
            if error.errno not in DISK_ERRORS:
                _fail_with_traceback()
            _fail(f"{error.filename or 'output'}: expected to be able to write. Received: {error.strerror}.")
        except Exception as error:
            if message := message_of(error):
                _fail(message)
            _fail_with_traceback()


def _tell(stopped: Stopped, how_it_goes_on: str = "") -> None:
    """Say in one line that a command was stopped, once."""
    if not stopped.is_told:
        stopped.is_told = True
        click.echo(f"{stopped} {how_it_goes_on}".rstrip(), err=True)


def _fail_with_traceback() -> NoReturn:
    """A fault of ours."""
    traceback.print_exc()
    sys.exit(1)


def _fail(message: str) -> NoReturn:
    click.echo(f"Error: {message}", err=True)
    sys.exit(1)
