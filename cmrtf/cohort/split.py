"""Splits subjects into training and validation, stratified by vendor and pathology."""

from collections.abc import Mapping

import numpy as np

from cmrtf.cohort.record import TRAIN, VALIDATION


def split_subjects(
    strata: Mapping[str, tuple[str, str]],
    validation_fraction: float,
    seed: int,
    assigned: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Divide subjects so that every stratum is spread as evenly as whole numbers allow.

    Subjects are shuffled within their strata, strata are laid end to end, and every n/m-th subject is
    taken (systematic sampling): each stratum, and each run of strata that share a vendor, gives its
    exact share rounded up or down, and the total is exact.

    Subjects that have a split keep it. The others are divided in the same way, as many of them as bring the
    whole to its share.

    Args:
        strata: subject to its `(vendor, pathology)`.
        validation_fraction: share of subjects to hold out.
        seed: of the shuffle; the order of `strata` does not matter.
        assigned: subject to its split, of an earlier division. It is forgotten where it would leave no
            subject to train on or none to validate.

    Returns:
        Subject to `"train"` or `"validation"`. Of two or more subjects at least one is in each.
    """
    earlier = {subject: split for subject, split in (assigned or {}).items() if subject in strata}
    new = sorted(strata.keys() - earlier.keys())
    n = len(strata)
    wanted = min(max(round(validation_fraction * n), 1), n - 1)
    held_out = min(max(wanted - list(earlier.values()).count(VALIDATION), 0), len(new))
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(new)
    in_order = sorted(shuffled.tolist(), key=lambda subject: strata[subject])
    chosen = {in_order[int((i + 0.5) * len(new) / held_out)] for i in range(held_out)}
    splits = earlier | {subject: VALIDATION if subject in chosen else TRAIN for subject in new}
    if earlier and n > 1 and len(set(splits.values())) == 1:
        return split_subjects(strata, validation_fraction, seed)
    return {subject: splits[subject] for subject in strata}
