"""What the library logs, on the terminal: it is silent elsewhere unless logging is switched on."""

import logging

import click


class TerminalHandler(logging.Handler):
    """Prints what a job says of its progress, and warnings on stderr, as plain lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        click.echo(record.getMessage(), err=record.levelno >= logging.WARNING)


def show_log() -> None:
    """Print what the library logs from here on; more than once does no harm."""
    logger = logging.getLogger("cmrtf")
    logger.setLevel(logging.INFO)
    if not any(isinstance(handler, TerminalHandler) for handler in logger.handlers):
        logger.addHandler(TerminalHandler())
