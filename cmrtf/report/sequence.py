"""Which subjects stand in a set of outputs, in which order, and how their volumes are to be compared."""

from collections.abc import Sequence
from typing import Final

from cmrtf.core.stack import CENTRE_TO_CENTRE, SLICE_SUMMATION
from cmrtf.core.subject import Subject

DISTANCE_FROM_MIDDLE: Final = {"source": 2.0, "intrasubject": 1.0}
"""At equal weight the source subjects stand outside their synthetic versions, at both ends."""


def in_order(subjects: Sequence[Subject]) -> list[Subject]:
    """Source A, intrasubject A, those between from A to B, intrasubject B, source B.

    Of a remodelled subject: the source, and all steps from no change to the whole of it.
    """

    def place(subject: Subject) -> tuple[float, float]:
        outward = 1.0 if subject.weight >= 0.5 else -1.0
        return subject.weight, outward * DISTANCE_FROM_MIDDLE.get(subject.kind, 0.0)

    return sorted(subjects, key=place)


def title_of(subjects: Sequence[Subject]) -> str:
    """What a set of outputs is called: `"A"`, `"A to B"`, `"A, remodelled"` or `"SYN00001 to SYN00009"`.

    Args:
        subjects: as `in_order` gives them.
    """
    named = [subject for subject in subjects if subject.kind in ("source", "intrasubject")] or subjects
    title = " to ".join(dict.fromkeys((named[0].name, named[-1].name)))
    return f"{title}, remodelled" if has_kind(subjects, "remodelled") else title


def has_kind(subjects: Sequence[Subject], kind: str) -> bool:
    """Whether there is a subject of a kind."""
    return any(subject.kind == kind for subject in subjects)


def volume_methods(subjects: Sequence[Subject]) -> list[str]:
    """How volumes are measured, the method to compare subjects by first.

    Only where a source stands beside its synthetic version in other slices do these matter: then volumes
    compare centre to centre.
    """
    own_slices = has_kind(subjects, "source") and has_kind(subjects, "intrasubject")
    return [CENTRE_TO_CENTRE, SLICE_SUMMATION] if own_slices else [SLICE_SUMMATION]
