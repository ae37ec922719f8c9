"""What the library logs, on the terminal: it is silent elsewhere unless logging is switched on."""

import logging

import click


class TerminalHandler(logging.Handler):
    """Prints what a job says of its progress, and its warnings, as plain lines on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        click.echo(record.getMessage(), err=True)


def show_log(quiet: bool) -> None:
    """Print what the library logs from here on; more than once does no harm.

    Args:
        quiet: whether to print warnings alone, and no bars.
    """
    logger = logging.getLogger("cmrtf")
    logger.setLevel(logging.WARNING if quiet else logging.INFO)
    logging.getLogger("cmrtf.progress").disabled = quiet
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # where it keeps what it knows of fonts
    logger.propagate = False  # absl, in a training's first checkpoint, makes the root logger print, too
    if not any(isinstance(handler, TerminalHandler) for handler in logger.handlers):
        logger.addHandler(TerminalHandler())
