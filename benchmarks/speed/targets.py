"""What the project promises itself, and whether this run keeps it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SPEED = {"distinct float32": 2.5, "distinct bfloat16": 4.0}
"""How many times faster than dense float32, in inference and in training."""

TARGET_BATCH = 8
"""The batch of inference that the targets are about; the tables show the others too."""

TIMES_FLOOR = 2.0
BFLOAT16_DIFFERENCE = 0.005
TIMES_MONAI = 6.0
TIMES_NIBABEL = 2.0
LOAD_S = 2.0
HELP_S = 0.5


@dataclass(frozen=True)
class Verdict:
    """One target.

    Args:
        subject: what is measured.
        value: what was measured.
        target: what is promised.
        at_least: whether the target is a lower bound, not an upper one.
        unit: behind the numbers.
    """

    subject: str
    value: float
    target: float
    at_least: bool
    unit: str

    @property
    def reached(self) -> bool:
        """Whether the value is on the right side."""
        return self.value >= self.target if self.at_least else self.value <= self.target


def verdicts(results: dict[str, Any]) -> list[Verdict]:
    """All targets, in the order of the sections."""
    sections = {"inference": _inference, "spade_layer": _layer, "training": _training, "pipeline": _pipeline}
    return [verdict for name, verdicts_of in sections.items() for verdict in verdicts_of(results[name])]


def _inference(section: dict[str, Any]) -> Iterator[Verdict]:
    for batch, measured in section["batches"].items():
        if int(batch) != TARGET_BATCH:
            continue
        for name, target in SPEED.items():
            contender, where = measured["contenders"][name], f"inference {name}, batch {batch}"
            yield Verdict(where, contender["times_dense_float32"], target, True, "x dense float32")
        floor = 1.0 / measured["contenders"]["distinct float32"]["share_of_peak"]
        yield Verdict(f"inference distinct float32, batch {batch}", floor, TIMES_FLOOR, False, "x floor")
    difference = section["accuracy"]["differences"]["distinct bfloat16 - distinct float32"]
    yield Verdict("inference bfloat16 - float32", difference, BFLOAT16_DIFFERENCE, False, "of the range")


def _layer(section: dict[str, Any]) -> Iterator[Verdict]:
    for direction in ("forward", "forward_backward"):
        value = section[direction]["distinct float32"]["times_monai"]
        where = f"SPADE layer {direction.replace('_', ' + ')}"
        yield Verdict(where, value, TIMES_MONAI, True, "x MONAI")


def _training(section: dict[str, Any]) -> Iterator[Verdict]:
    for name, target in SPEED.items():
        value = section["contenders"][name]["times_dense_float32"]
        yield Verdict(f"training {name}", value, target, True, "x dense float32")


def _pipeline(section: dict[str, Any]) -> Iterator[Verdict]:
    first, *steps = section["prepare"]["steps"]
    for name in steps:
        value = section["prepare"]["steps"][name]["times_nibabel"]
        yield Verdict(f"preparing: {name}", value, TIMES_NIBABEL, False, f"x {first}")
    yield Verdict("loading a prepared cohort", section["load"]["seconds"], LOAD_S, False, "s")
    yield Verdict("cmrtf --help", section["help_s"], HELP_S, False, "s")
