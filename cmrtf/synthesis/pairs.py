"""Which two subjects to walk between when nobody says."""

from itertools import combinations

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.cohort.record import SubjectRecord
from cmrtf.core.labels import SCHEMA
from cmrtf.errors import CmrtfError


def dissimilar_pair(cohort: PreparedCohort) -> tuple[str, str]:
    """Two subjects held out from training, of different vendors if there are, far apart in LV volume.

    Returns:
        their codes, the smaller left ventricle first.

    Raises:
        CmrtfError: the cohort has fewer than two subjects with a common phase.
    """
    held_out = cohort.subjects("validation")
    candidates = held_out if len(held_out) > 1 else cohort.subjects()
    volumes_ml = {code: _lv_volume_ml(cohort, cohort.record(code)) for code in candidates}
    pairs = [
        pair
        for pair in combinations(sorted(candidates, key=volumes_ml.__getitem__), 2)
        if set(cohort.record(pair[0]).phases) & set(cohort.record(pair[1]).phases)
    ]
    if not pairs:
        raise CmrtfError(f"{cohort.path}: expected two subjects with a phase in common to walk between.")

    def contrast(pair: tuple[str, str]) -> tuple[bool, float]:
        vendors = {cohort.record(code).vendor for code in pair}
        return len(vendors) == 2, volumes_ml[pair[1]] - volumes_ml[pair[0]]

    return max(pairs, key=contrast)


def _lv_volume_ml(cohort: PreparedCohort, record: SubjectRecord) -> float:
    volumes = cohort.load(record.subject)
    label_ids = volumes[min(record.phases)].label_ids  # "ED" where there is one
    return float((label_ids == SCHEMA.id_of("LV")).sum()) * record.geometry.voxel_volume_ml
