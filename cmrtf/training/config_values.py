"""Values of a configuration: what each may be, and the one place where that is checked.

An entry of a configuration says what it may be beside its type: `depth: Annotated[int, WholeNumber(1, 16)]`.
"""

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cmrtf.core.yaml_files import shown
from cmrtf.errors import CmrtfError

MUCH = 1e6
"""No weight of a loss is larger."""


class Kind(Protocol):
    """What an entry may be; as text it says so."""

    def converted(self, value: Any) -> Any:
        """The value as the entry has it; ValueError if it may not be."""


@dataclass(frozen=True)
class WholeNumber:
    """From `low` to `high`, both included, and a multiple of `step`."""

    low: int
    high: int
    step: int = 1

    def __str__(self) -> str:
        multiple = f"a multiple of {self.step} " if self.step > 1 else "a whole number "
        return f"{multiple}from {self.low:,} to {self.high:,}"

    def converted(self, value: Any) -> int:
        """True is none, nor is 3.0."""
        if type(value) is not int or not self.low <= value <= self.high or value % self.step:
            raise ValueError
        return value


@dataclass(frozen=True)
class Number:
    """From `low` to `high`, both included."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"a number from {self.low:,.10g} to {self.high:,.10g}"

    def converted(self, value: Any) -> float:
        """A whole number does, NaN does not."""
        if type(value) not in (int, float) or not self.low <= value <= self.high:
            raise ValueError
        return float(value)


@dataclass(frozen=True)
class WholeNumbers:
    """A list of `least` to `most` whole numbers."""

    each: WholeNumber
    least: int
    most: int

    def __str__(self) -> str:
        return f"a list of {self.least} to {self.most} numbers, each {self.each}"

    def converted(self, value: Any) -> tuple[int, ...]:
        """A tuple."""
        if not isinstance(value, list | tuple) or not self.least <= len(value) <= self.most:
            raise ValueError
        return tuple(map(self.each.converted, value))


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    options: tuple[Any, ...]

    def __str__(self) -> str:
        return " or ".join(str(option).lower() for option in self.options)

    def converted(self, value: Any) -> Any:
        """The value itself; 1 is not true."""
        if not any(type(value) is type(option) and value == option for option in self.options):
            raise ValueError
        return value


@dataclass(frozen=True)
class FileName:
    """Name of a file, or nothing."""

    def __str__(self) -> str:
        return "the name of a file, or null"

    def converted(self, value: Any) -> str | None:
        """The value itself."""
        if value is not None and not (isinstance(value, str) and value and "\0" not in value):
            raise ValueError
        return value


KINDS: Mapping[Any, Kind] = {float: Number(0.0, MUCH), bool: Choice((True, False))}
"""Of entries that do not say what they may be."""


def config_from_dict(config_class: type[Any], values: Any, source: str, part: str = "") -> Any:
    """Fill a configuration dataclass, nested ones too, refusing what does not fit.

    Args:
        config_class: a dataclass.
        values: entry to value, as YAML and JSON have them.
        source: where the values are from, for messages.
        part: which entry of it they are, with a point behind it; none where they are all of it.

    Raises:
        CmrtfError: naming `source`, the entry, what was expected and what was received.
    """
    whole = f"{source}, {part[:-1]}" if part else source
    if not isinstance(values, dict):
        raise CmrtfError(f"{whole}: expected a mapping. Received: {shown(values)}.")
    hints = typing.get_type_hints(config_class, include_extras=True)
    if unknown := [name for name in values if name not in hints]:
        raise CmrtfError(
            f"{whole}: expected entries among {', '.join(hints)}. "
            f"Received: {', '.join(map(shown, unknown[:8]))}."
        )
    if missing := sorted(set(_required(config_class)) - set(values)):
        raise CmrtfError(f"{whole}: expected an entry for {', '.join(missing)}. Received: none.")
    return config_class(
        **{name: _converted(hints[name], value, source, part + name) for name, value in values.items()}
    )


def checked_value(kind: Kind, value: Any, source: str) -> Any:
    """A value as its kind has it.

    Raises:
        CmrtfError: it may not be.
    """
    try:
        return kind.converted(value)
    except ValueError:
        raise CmrtfError(f"{source}: expected {kind}. Received: {shown(value)}.") from None


def _required(config_class: type[Any]) -> Iterator[str]:
    """Entries without a default."""
    for entry in dataclasses.fields(config_class):
        if entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING:
            yield entry.name


def _converted(hint: Any, value: Any, source: str, name: str) -> Any:
    """A value as an entry of type `hint` has it."""
    if dataclasses.is_dataclass(hint):
        return config_from_dict(typing.cast(type[Any], hint), value, source, f"{name}.")
    kind = hint.__metadata__[0] if typing.get_origin(hint) is typing.Annotated else KINDS[hint]
    return checked_value(kind, value, f"{source}, {name}")
