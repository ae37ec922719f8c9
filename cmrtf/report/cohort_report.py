"""`report.html` of a generated cohort: its first subjects to look through, and what all of them measure.

It is made of the cohort's files alone, so a cohort that was stopped on its way has the same.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from cmrtf.core.files import new_file
from cmrtf.core.labels import SCHEMA
from cmrtf.core.subject import SubjectRow
from cmrtf.datasets.cohort_format import CohortFormat
from cmrtf.report.html import Population, write_report
from cmrtf.report.provenance import PROVENANCE

SUBJECTS_SHOWN: Final = 12
"""Subjects with images and labels on the page, about 0.4 MB each."""

MEASURES_SHOWN: Final = ("LV_EDV_ml", "LV_EF_percent", "MYO_mass_ED_g", "RV_EDV_ml")
"""What histograms show."""


def write_cohort_report(
    out: Path,
    cohort_format: CohortFormat,
    settings: Mapping[str, Any],
    subjects: Iterable[Mapping[str, Any]],
) -> None:
    """Write `provenance/report.html`. What it takes does not grow with the cohort, but for four numbers each.

    Args:
        out: folder of a cohort whose subjects are all there.
        cohort_format: how they were written.
        settings: what the cohort depends on, shown at the foot.
        subjects: provenance of each, in order.
    """
    rows: list[SubjectRow] = []
    measures: dict[str, list[float]] = {name: [] for name in MEASURES_SHOWN}
    for subject in subjects:
        if len(rows) < SUBJECTS_SHOWN:
            rows.append(_row(out, cohort_format, subject))
        for name, values in measures.items():
            values.append(subject["measures"][name])
    with new_file(out / PROVENANCE / "report.html") as partial:
        write_report(partial, rows, settings, SCHEMA, Population(len(measures[MEASURES_SHOWN[0]]), measures))


def _row(out: Path, cohort_format: CohortFormat, subject: Mapping[str, Any]) -> SubjectRow:
    look = f"vendor {subject['vendor']}" if subject["vendor"] else ""
    description = ", ".join(part for part in (subject["pathology"], look) if part)
    low, high = subject["intensity_window"]
    stacks = cohort_format.read_subject(out, subject["subject"], (low, high))
    return SubjectRow(subject["subject"], "generated", 0.0, description, stacks)
