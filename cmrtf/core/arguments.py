"""Arguments that are checked before anything is computed with them: numbers, truth values and text."""

import numbers
from collections.abc import Sequence
from typing import Any, Final

from cmrtf.errors import CmrtfError

MAX_SEED: Final = 2**32 - 1
"""The largest that NumPy and Keras both take."""

MAX_SUBJECTS: Final = 1_000_000
"""Of a cohort: more than anybody has the disk for (10 TB)."""

MAX_BETWEEN: Final = 1000
"""Subjects between two, or on the way to another heart. They are held in memory until all are written."""

MAX_SLICES: Final = 1024
"""Of a synthetic stack. A volume with more slices of 128 x 128 is larger than any that is read."""

MAX_FRAMES: Final = 1000
"""Of a heart beat: one a millisecond."""

MAX_CINE_FRAMES: Final = 80
"""Of a synthetic heart beat: more than any scanner's. A beat takes a second or less, and browsers show
pictures of 10 ms ten times too slowly."""

MAX_WORKERS: Final = 1024
"""Processes or threads on one machine."""


def require_whole(name: str, value: Any, lowest: int, highest: int) -> None:
    """Check how many of something there shall be, or a seed.

    Args:
        name: of the argument.
        value: what was given.
        lowest: the least that it may be.
        highest: the most.

    Raises:
        CmrtfError: it is no whole number, or out of range.
    """
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not (is_whole and lowest <= value <= highest):
        raise CmrtfError(f"{name}: expected a whole number from {lowest} to {highest}. Received: {value!r}.")


def require_flags(**values: Any) -> None:
    """Check what is to be done or not: the text `"no"` would count as true.

    Args:
        values: by the names of the arguments.

    Raises:
        CmrtfError: one is neither True nor False.
    """
    for name, value in values.items():
        if not isinstance(value, bool):
            raise CmrtfError(f"{name}: expected True or False. Received: {value!r}.")


def is_number(value: Any) -> bool:
    """Whether a value is a real number, NaN and infinity among them; True is none."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def require_text(name: str, value: Any) -> None:
    """Check a name or a code.

    Args:
        name: of the argument.
        value: what was given.

    Raises:
        CmrtfError: it is no text.
    """
    if not isinstance(value, str):
        raise CmrtfError(f"{name}: expected text. Received: {value!r}.")


def require_texts(name: str, values: Any) -> None:
    """Check several names or codes; a text would be a sequence of its letters.

    Args:
        name: of the argument.
        values: what was given.

    Raises:
        CmrtfError: it is no list of texts, nor another sequence.
    """
    is_list = isinstance(values, Sequence) and not isinstance(values, (str, bytes))
    if not (is_list and all(isinstance(value, str) for value in values)):
        raise CmrtfError(f"{name}: expected a list of texts. Received: {values!r}.")
