"""Diagnostics of a run: what its metrics warn of."""

from collections.abc import Mapping, Sequence
from typing import Final

from cmrtf.training.metrics_log import MetricsLog
from cmrtf.training.reporting import Progress

LOST_HINGE: Final = 0.2
"""The discriminator's hinge loss is 2 where it guesses and 0 where every decision is right by the margin.
Below this value the generator learns next to nothing from it."""

FEWEST_NATS: Final = 1.0
"""Below this KL, of all dimensions together, a posterior has collapsed: codes say nothing of their input."""

PATIENCE: Final = 3
"""Intervals without a gain after which training longer is said not to help."""

SMALLEST_GAIN: Final = 0.01
"""Of the validation error, relative."""

ERRORS: Final = ("val_l1", "dice_LV", "dice_MYO", "dice_RV")
"""Metrics of validation subjects; the error of a Dice is what it lacks to 1."""


class Diagnostics:
    """Prints each warning once, beside the progress of the run.

    Args:
        log: of this run.
        progress: prints them.
        kl_weight: what the logged KL divergence was multiplied with.
    """

    def __init__(self, log: MetricsLog, progress: Progress, kl_weight: float = 1.0) -> None:
        self.log = log
        self.progress = progress
        self.kl_weight = kl_weight
        self.topics_said: set[str] = set()

    def update(self) -> None:
        """Print warnings that all intervals so far give rise to and that are new."""
        for topic, text in diagnose(self._rows(), self.kl_weight).items():
            if topic not in self.topics_said:
                self.topics_said.add(topic)
                self.progress.say(f"Note: {text}")

    def _rows(self) -> list[dict[str, float]]:
        return [metrics for _, metrics in self.log.intervals()]


def diagnose(rows: Sequence[Mapping[str, float]], kl_weight: float = 1.0) -> dict[str, str]:
    """Warnings by topic: `discriminator`, `kl`, `steps`.

    Args:
        rows: the metrics of all intervals so far, oldest first.
        kl_weight: what their KL divergence was multiplied with; nothing is said of one that does not count.
    """
    last_two = rows[-2:]
    warnings = {}
    if len(last_two) == 2 and all(row.get("d_hinge", 2.0) < LOST_HINGE for row in last_two):
        warnings["discriminator"] = (
            f"The discriminator overpowers the generator: its hinge loss is {rows[-1]['d_hinge']:.2f} (2 is "
            "guessing). Lower d_learning_rate or set augment_discriminator."
        )
    nats = [row["kl"] / kl_weight for row in last_two if "kl" in row and kl_weight > 0.0]
    if len(nats) == 2 and max(nats) < FEWEST_NATS:
        warnings["kl"] = (
            f"The KL has collapsed to {nats[-1]:.2f} nats: codes say next to nothing of their input. "
            "Lower kl_weight (of the GAN: loss_weights.kl)."
        )
    if len(rows) > PATIENCE and _error(rows[-1]) is not None:
        before, after = _known_errors(rows[:-PATIENCE]), min(_known_errors(rows[-PATIENCE:]))
        if before and after > (1.0 - SMALLEST_GAIN) * min(before):
            warnings["steps"] = (
                f"More steps may no longer help: the error on validation subjects, {after:.4f}, has not "
                f"fallen by 1 % in {PATIENCE} intervals."
            )
    return warnings


def _known_errors(rows: Sequence[Mapping[str, float]]) -> list[float]:
    return [error for row in rows if (error := _error(row)) is not None]


def _error(row: Mapping[str, float]) -> float | None:
    """Mean error on validation subjects, None where there are none."""
    errors = [1.0 - row[name] if name.startswith("dice") else row[name] for name in ERRORS if name in row]
    return sum(errors) / len(errors) if errors else None
