"""Which subjects validate."""

from collections.abc import Mapping

import numpy as np


def split_subjects(
    strata: Mapping[str, tuple[str, str]], validation_fraction: float, seed: int
) -> dict[str, str]:
    """Divide subjects so that every stratum is spread as evenly as whole numbers allow.

    Subjects are shuffled within their strata, strata are laid end to end, and every n/m-th subject is
    taken (systematic sampling): each stratum, and each run of strata that share a vendor, gives its
    exact share rounded up or down, and the total is exact.

    Args:
        strata: subject to its `(vendor, pathology)`.
        validation_fraction: share of subjects to hold out.
        seed: of the shuffle; the order of `strata` does not matter.

    Returns:
        Subject to `"train"` or `"validation"`. Of two or more subjects at least one is in each.
    """
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(sorted(strata))
    in_order = sorted(shuffled.tolist(), key=lambda subject: strata[subject])
    n = len(in_order)
    held_out = min(max(round(validation_fraction * n), 1), n - 1)
    chosen = {in_order[int((i + 0.5) * n / held_out)] for i in range(held_out)}
    return {subject: "validation" if subject in chosen else "train" for subject in strata}
