"""What segmenters are trained on, side by side: with and without synthetic subjects."""

from dataclasses import dataclass
from typing import Final

REAL, OURS, RANDOMISED = "real", "ours", "randomised"
"""Sources of subjects: the patients, what the networks make of them, and their labels in random contrasts."""

USUAL, WARPED, STRONG = "usual", "warped", "strong"
"""Augmentations: the usual one, stronger warps, and stronger changes of everything."""


@dataclass(frozen=True)
class Arm:
    """One way to train a segmenter. All arms have as many steps and the same network.

    Args:
        title: what a reader knows it by.
        sources: of the subjects that it is trained on; synthetic ones and real ones are as many.
        augmentation: of all of them.
        first: sources of the first half of the steps; the second half is on `sources` then.
    """

    title: str
    sources: tuple[str, ...]
    augmentation: str = USUAL
    first: tuple[str, ...] = ()

    @property
    def is_real(self) -> bool:
        """Whether it is trained on the patients alone."""
        return {*self.sources, *self.first} == {REAL}

    @property
    def needs_networks(self) -> bool:
        """Whether label VAE and GAN make what it is trained on."""
        return OURS in (*self.sources, *self.first)


ARMS: Final = {
    "real": Arm("real", (REAL,)),
    "strong": Arm("real, strong augmentation", (REAL,), STRONG),
    "warped": Arm("real, warped shapes", (REAL,), WARPED),
    "randomised": Arm("real + randomised", (REAL, RANDOMISED)),
    "ours": Arm("real + ours", (REAL, OURS)),
    "ours-strong": Arm("real + ours, strong augmentation", (REAL, OURS), STRONG),
    "ours-randomised": Arm("real + ours + randomised", (REAL, OURS, RANDOMISED)),
    "pretrained": Arm("ours, then real", (REAL,), first=(OURS,)),
    "only-randomised": Arm("randomised only", (RANDOMISED,)),
    "only-ours": Arm("ours only", (OURS,)),
}
"""By their names on the command line."""

BASELINE: Final = "strong"
"""What others are compared with: what anyone can do without synthetic data."""
