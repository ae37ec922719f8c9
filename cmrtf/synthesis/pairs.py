"""Chooses two dissimilar held-out subjects for `cmrtf demo` to interpolate between."""

from itertools import combinations

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.cohort.record import VALIDATION
from cmrtf.core.subject import Subject
from cmrtf.errors import CmrtfError


def dissimilar_pair(cohort: PreparedCohort) -> tuple[str, str]:
    """Two subjects held out from training, of different vendors if there are, far apart in LV volume.

    Returns:
        their codes, the smaller left ventricle first.

    Raises:
        CmrtfError: the cohort has fewer than two subjects with a common phase.
    """
    held_out = cohort.codes(VALIDATION)
    candidates = held_out if len(held_out) > 1 else cohort.codes()
    volumes_ml = {code: _lv_volume_ml(cohort[code]) for code in candidates}
    pairs = [
        pair
        for pair in combinations(sorted(candidates, key=volumes_ml.__getitem__), 2)
        if set(cohort.record(pair[0]).phases) & set(cohort.record(pair[1]).phases)
    ]
    if not pairs:
        raise CmrtfError(
            f"{cohort.path}: expected two subjects with a phase in common to interpolate between."
        )

    def contrast(pair: tuple[str, str]) -> tuple[bool, float]:
        vendors = {cohort.record(code).vendor for code in pair}
        return len(vendors) == 2, volumes_ml[pair[1]] - volumes_ml[pair[0]]

    return max(pairs, key=contrast)


def _lv_volume_ml(subject: Subject) -> float:
    return subject.stacks[min(subject.phases)].volume_ml("LV")  # "ED" where there is one
