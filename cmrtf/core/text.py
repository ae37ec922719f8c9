"""Text that is safe to show: what users, data sets and servers name may hold anything."""

from collections import Counter
from collections.abc import Iterable

FORMULA = ("=", "+", "-", "@")
"""What a cell begins with that a spreadsheet program takes for a formula."""


def printable(text: str) -> str:
    r"""The text with everything as an escape that is no visible character, blank, tab or end of a line.

    So no file name or answer of a server can move the cursor, clear the screen or hide what follows. Bytes of
    file names that are no characters are escapes too.

    Example:
        >>> printable("\x1b[2Jheart")
        '\\x1b[2Jheart'
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in "\n\t" else _escape(one) for one in text)


def cell(value: object) -> str:
    """A value as a cell of a table that spreadsheet programs open: text that would be a formula is quoted.

    Example:
        >>> cell("=1+1"), cell(-1.5), cell("-1.5")
        ("'=1+1", '-1.5', '-1.5')
    """
    text = printable(str(value))
    return f"'{text}" if text.startswith(FORMULA) and not _is_number(text) else text


def cells(values: Iterable[object]) -> list[str]:
    """A row of a table."""
    return [cell(value) for value in values]


def counts_by_name(names: Iterable[str], least: int = 1) -> dict[str, int]:
    """How often each name occurs, in order of the names; an empty one is unknown.

    Args:
        names: of vendors, pathologies, ...
        least: names that occur less often are left out.

    Example:
        >>> counts_by_name(["B", "", "B"])
        {'B': 2, 'unknown': 1}
    """
    counted = Counter(name or "unknown" for name in names)
    return {name: count for name, count in sorted(counted.items()) if count >= least}


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
