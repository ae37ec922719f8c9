"""`report.html` of a generated cohort: its first subjects to look through, and what all of them measure.

It is made of the cohort's files alone, so a cohort that was stopped on its way has the same.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from cmrtf.core.files import new_file
from cmrtf.core.subject import Subject
from cmrtf.datasets.base import Layout
from cmrtf.report.html import Population, write_report

SUBJECTS_SHOWN: Final = 12
"""Subjects with images and labels on the page, about 0.4 MB each."""

MEASURES_SHOWN: Final = ("LV_EDV_ml", "LV_EF_percent", "MYO_mass_ED_g", "RV_EDV_ml")
"""What histograms show."""


def write_cohort_report(
    out: Path,
    layout: Layout,
    page: Path,
    settings: Mapping[str, Any],
    provenances: Iterable[Mapping[str, Any]],
) -> None:
    """Write `report.html`. What it takes does not grow with the cohort, but for four numbers each.

    Args:
        out: folder of a cohort whose subjects are all there.
        layout: how they were written.
        page: the file to write.
        settings: what the cohort depends on, shown at the foot.
        provenances: of each subject, in order.
    """
    subjects: list[Subject] = []
    measures: dict[str, list[float]] = {name: [] for name in MEASURES_SHOWN}
    for provenance in provenances:
        if len(subjects) < SUBJECTS_SHOWN:
            subjects.append(_read_subject(out, layout, provenance))
        for name, values in measures.items():
            values.append(provenance["measures"][name])
    population = Population(len(measures[MEASURES_SHOWN[0]]), measures)
    with new_file(page) as partial:
        write_report(partial, subjects, settings, population)


def _read_subject(out: Path, layout: Layout, provenance: Mapping[str, Any]) -> Subject:
    low, high = provenance["intensity_window"]
    place = out, provenance["subject"], (low, high)
    cine = None
    if layout.read_cine and provenance.get("es_frame"):
        cine = layout.read_cine(*place, provenance["es_frame"], provenance["frame_s"])
    return Subject(
        provenance["subject"],
        "generated",
        cine.stacks if cine else layout.read_subject(*place),
        vendor=provenance["vendor"],
        centre=provenance["centre"],
        pathology=provenance["pathology"],
        cine=cine,
    )
