"""Which number stands for which structure in label files that have an order of their own."""

import re
from collections.abc import Mapping
from typing import Any, Final

from cmrtf.core.labels import SCHEMA
from cmrtf.errors import CmrtfError

EXPECTED: Final = (
    f"a number from 1 to 65535 for each of {', '.join(SCHEMA.foreground)}, such as {{LV: 1, MYO: 2, RV: 3}}"
)
"""What errors ask for."""

TERM = re.compile(r"\s*([A-Za-z]+)\s*=\s*(\d{1,5})\s*")


def are_label_values(values: Any, complete: bool = True) -> bool:
    """Whether a value says of each structure which number stands for it, and of nothing else.

    Args:
        values: any.
        complete: whether it must say so of all structures, or of the LV at least.
    """
    if not isinstance(values, dict):
        return False
    required, numbers = set(SCHEMA.foreground if complete else ("LV",)), list(values.values())
    return (
        required <= set(values) <= set(SCHEMA.foreground)
        and all(type(number) is int and 0 < number < 2**16 for number in numbers)
        and len(set(numbers)) == len(numbers)
    )


def label_to_schema(values: Mapping[str, int] | None, complete: bool = True) -> dict[int, int]:
    """Label value to label id; the background is 0 in both.

    Args:
        values: structure to label value; None where they are the label ids themselves.
        complete: whether all structures must be there, or the LV at least.

    Raises:
        CmrtfError: they are none.

    Example:
        >>> label_to_schema({"LV": 3, "MYO": 2, "RV": 1})
        {0: 0, 3: 1, 2: 2, 1: 3}
    """
    if values is None:
        return {label_id: label_id for label_id in range(SCHEMA.num_classes)}
    named = dict(values)
    if not are_label_values(named, complete):
        raise CmrtfError(f"label values: expected {EXPECTED}. Received: {named!r}.")
    return {0: 0} | {named[name]: SCHEMA.id_of(name) for name in SCHEMA.foreground if name in named}


def parse_label_values(text: str) -> dict[str, int]:
    """Read label values by structure, separated by commas.

    Raises:
        CmrtfError: they are written in another way, or something is missing.

    Example:
        >>> parse_label_values("LV=3, MYO=2, RV=1")
        {'LV': 3, 'MYO': 2, 'RV': 1}
    """
    matches = [TERM.fullmatch(term) for term in text.split(",")]
    values = {match[1].upper(): int(match[2]) for match in matches if match}
    if not all(matches) or len(values) < len(matches) or not are_label_values(values):
        raise CmrtfError(
            f"expected {EXPECTED.partition(', such as')[0]}, as in 'LV=3, MYO=2, RV=1'. Received: {text!r}."
        )
    return values
