"""Small YAML files that people write: whatever is in one, reading it ends soon, in a value or a paragraph."""

import os
import re
import reprlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from cmrtf.errors import CmrtfError, FileError

MAX_BYTES = 10_000
MAX_BRACKETS = 50
"""PyYAML's time grows with the square of how deep brackets are nested: minutes for a few thousand."""

UNREADABLE = (
    *(yaml.YAMLError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError),
    RecursionError,
)
"""What PyYAML raises: for lists in lists the last one, for odd numbers, dates and keys all of them."""


class _Loader(yaml.SafeLoader):
    """YAML without aliases, which make endless values of a few bytes, and with every key once."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem=f"an alias, *{event.anchor}: write its value", problem_mark=event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for number, key in enumerate(keys):
            if key in keys[:number]:
                raise yaml.MarkedYAMLError(problem=f"{key} twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


# As YAML 1.2 and everybody have them. In 1.1 an exponent wants a point before it and a sign in it, 010 is 8,
# and 1:30 is 90: these are text here, so that whoever expects a number refuses them.
NUMBERS = {
    "tag:yaml.org,2002:int": re.compile(r"[-+]?(0|[1-9][0-9_]*)$"),
    "tag:yaml.org,2002:float": re.compile(
        r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)$|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"
        r"|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$"
    ),
}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in NUMBERS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern in NUMBERS.items():
    _Loader.add_implicit_resolver(_tag, _pattern, list("-+.0123456789"))


def read_yaml(file: Path) -> Any:
    """What a YAML file holds: mappings, lists, text, numbers, true and false, dates, None.

    Raises:
        FileError: it cannot be read, or it is no YAML, too large, or has aliases or a key twice.
    """
    try:
        with file.open("rb") as stream:
            return parse_yaml(stream.read(MAX_BYTES + 1))
    except (OSError, ValueError) as error:
        raise FileError(file, f"expected a small YAML file. Received: {error}.") from error


def parse_yaml(content: bytes) -> Any:
    """What some YAML holds.

    Raises:
        ValueError: it is none, or too large, or has aliases or a key twice.
    """
    if len(content) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES} bytes")
    if content.count(b"[") + content.count(b"{") > MAX_BRACKETS:
        raise ValueError(f"more than {MAX_BRACKETS} brackets")
    try:
        return yaml.load(content, _Loader)
    except UNREADABLE as error:
        raise ValueError(" ".join(str(error).split()).replace('in "<byte string>", ', "in ")[:300]) from error


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """Name to value of some `name=value`, with values in YAML.

    Raises:
        CmrtfError: one is no assignment, or a name is there twice.
    """
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not (name and equals):
            raise CmrtfError(f"expected name=value, such as steps=2000. Received: {shown(assignment)}.")
        if name in values:
            raise CmrtfError(
                f"{name}: expected one value. Received: {shown(values[name])} and {shown(text)}."
            )
        try:
            values[name] = parse_yaml(os.fsencode(text))
        except ValueError as error:
            raise CmrtfError(f"{name}: expected a value. Received: {shown(text)} ({error}).") from error
    return values


_repr = reprlib.Repr()
_repr.maxlevel, _repr.maxdict, _repr.maxlist, _repr.maxstring, _repr.maxother = 2, 6, 6, 80, 80


def shown(value: Any) -> str:
    """A value as far as a message needs it, in one line."""
    return "nothing" if value is None else _repr.repr(value)
