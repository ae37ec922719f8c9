"""What segmenters are tested on: patients who were held out, re-imaged, and of other scanners."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cmrtf.benchmark.reimaging import SEED, reimage
from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.core.subject import Subject
from cmrtf.errors import CmrtfError

HELD_OUT: Final = "held-out"
REIMAGED: Final = "re-imaged"


@dataclass(frozen=True)
class Domain:
    """Patients to test on.

    Args:
        name: also of the folder of its scores.
        identity: tells other data of the same name apart.
        subjects: with their true labels.
    """

    name: str
    identity: str
    subjects: Sequence[Subject]

    @property
    def names(self) -> list[str]:
        """Of the subjects."""
        return [subject.name for subject in self.subjects]


def domains_of_fold(part: PreparedCohort, test: Sequence[str]) -> list[Domain]:
    """The patients that a fold holds out, as they are and re-imaged.

    Args:
        part: a cohort that has them.
        test: their codes.
    """
    subjects = [part[code] for code in test]
    return [
        Domain(HELD_OUT, "as prepared", subjects),
        Domain(REIMAGED, f"recipe of seed {SEED}", reimage(subjects)),
    ]


def unseen_domains(cohorts: Mapping[str, PreparedCohort]) -> list[Domain]:
    """All patients of other cohorts, by name.

    Raises:
        CmrtfError: a name is that of another domain.
    """
    for name in cohorts:
        if name in (HELD_OUT, REIMAGED):
            raise CmrtfError(
                f"unseen: expected a folder that is not called as another domain is. Received: {name!r}."
            )
    return [
        Domain(name, cohort.data_hash, [cohort[code] for code in cohort]) for name, cohort in cohorts.items()
    ]


def require_not_trained_on(cohort: PreparedCohort, unseen: Mapping[str, PreparedCohort]) -> None:
    """Check that no unseen patient is one of the cohort's, by what their images show.

    Raises:
        CmrtfError: one is.
    """
    known = {value for record in cohort.records for value in record.source_sha256.values()}
    for name, other in unseen.items():
        both = [record.subject for record in other.records if known & set(record.source_sha256.values())]
        if both:
            raise CmrtfError(
                f"{other.path}: expected patients that {cohort.path} does not have, to test on as {name}. "
                f"Received: {', '.join(both[:10])}, who are in both."
            )
