"""What a run's figures say to whoever watches it."""

from collections.abc import Mapping, Sequence
from typing import Final

LOST_HINGE: Final = 0.2
"""The discriminator's hinge loss is 2 when it guesses and 0 when it is never wrong by less than the margin.
Below this the generator gets little else from it than that it has lost."""

FEWEST_NATS: Final = 1.0
"""A KL below this is a posterior that says next to nothing of its input, over all dimensions together."""

PATIENCE: Final = 3
"""Intervals without a gain after which more steps are said not to help."""

SMALLEST_GAIN: Final = 0.01
"""Of the error that is left."""

ERRORS: Final = ("val_l1", "dice_LV", "dice_MYO", "dice_RV")
"""Figures of validation subjects; those that begin with `dice` are errors when taken from 1."""


def advise(rows: Sequence[Mapping[str, float]]) -> dict[str, str]:
    """Warnings by what they are about.

    Args:
        rows: the figures of all intervals so far, oldest first.
    """
    last_two = rows[-2:]
    found = {}
    if len(last_two) == 2 and all(row.get("d_hinge", 2.0) < LOST_HINGE for row in last_two):
        found["discriminator"] = (
            f"The discriminator overpowers the generator: its hinge loss is {rows[-1]['d_hinge']:.2f} (2 is "
            "guessing). Lower d_learning_rate or set augment_discriminator."
        )
    if len(last_two) == 2 and all(row.get("kl", FEWEST_NATS) < FEWEST_NATS for row in last_two):
        found["kl"] = (
            f"The KL has collapsed to {rows[-1]['kl']:.2f} nats: codes say next to nothing of their input. "
            "Lower kl_weight (of the GAN: loss_weights.kl)."
        )
    if len(rows) > PATIENCE and _error(rows[-1]) is not None:
        before, after = _known_errors(rows[:-PATIENCE]), min(_known_errors(rows[-PATIENCE:]))
        if before and after > (1.0 - SMALLEST_GAIN) * min(before):
            found["steps"] = (
                f"More steps may no longer help: the error on validation subjects, {after:.4f}, has not "
                f"fallen by 1 % in {PATIENCE} intervals."
            )
    return found


def _known_errors(rows: Sequence[Mapping[str, float]]) -> list[float]:
    return [error for row in rows if (error := _error(row)) is not None]


def _error(row: Mapping[str, float]) -> float | None:
    """Mean error on validation subjects, None where there are none."""
    errors = [1.0 - row[name] if name.startswith("dice") else row[name] for name in ERRORS if name in row]
    return sum(errors) / len(errors) if errors else None
