"""Checks a whole raw data set: what is there, and what is wrong with it, file by file."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.arguments import MAX_WORKERS, require_flags, require_texts, require_whole
from cmrtf.core.issues import ERROR, Issue, errors, listed
from cmrtf.core.progress import progress_bar
from cmrtf.datasets.base import RawSubject, SkippedSubject
from cmrtf.datasets.layouts import AUTO, leave_out, read_raw
from cmrtf.datasets.slice_orders import with_slice_orders
from cmrtf.errors import FileError
from cmrtf.quality.checks import check_subject, duplicate_issues
from cmrtf.quality.slice_order import with_other_orders


@dataclass(frozen=True)
class Facts:
    """What is known of a subject that can be used.

    Args:
        raw: the subject.
        spacing_mm: `(x, y, z)`.
        num_slices: of its stack.
        voxels_sha256: SHA-256 of what each image shows, by role.
        is_base_first: how its slices are stored; None in doubt.
    """

    raw: RawSubject
    spacing_mm: tuple[float, float, float]
    num_slices: int
    voxels_sha256: Mapping[str, str]
    is_base_first: bool | None


@dataclass(frozen=True)
class Inspection:
    """What is in a raw data set, and what is wrong with it.

    Args:
        root: its folder.
        data_format: the reader that was used.
        num_subjects: labelled subjects, usable or not.
        facts: of those that can be used.
        skipped: subjects left out on purpose.
        issues: errors first, then by file.
    """

    root: Path
    data_format: str
    num_subjects: int
    facts: tuple[Facts, ...]
    skipped: tuple[SkippedSubject, ...]
    issues: tuple[Issue, ...]

    @property
    def num_errors(self) -> int:
        """How many of the issues are errors: what `prepare` would refuse."""
        return len(errors(self.issues))

    def summary(self) -> dict[str, Any]:
        """What is there: counts and ranges, in plain types."""
        subjects = [facts.raw for facts in self.facts]
        spacing = np.array([facts.spacing_mm for facts in self.facts]).reshape(-1, 3)
        return {
            "format": self.data_format,
            "subjects": self.num_subjects,
            "usable": len(subjects),
            "skipped": dict(Counter(skipped.reason for skipped in self.skipped)),
            "vendors": _counts(raw.vendor for raw in subjects),
            "pathologies": _counts(raw.pathology for raw in subjects),
            "phases": _counts(phase for raw in subjects for phase in raw.phases),
            "pixel_mm": _range(spacing[:, :2].ravel()),
            "slice_spacing_mm": _range(spacing[:, 2]),
            "slices": _range(np.array([facts.num_slices for facts in self.facts])),
        }

    def to_dict(self) -> dict[str, Any]:
        """Summary, skipped subjects and issues as plain values for JSON."""
        issues = [
            {
                "level": issue.level,
                "subject": issue.subject,
                "file": self._name(issue),
                "problem": issue.problem,
            }
            for issue in self.issues
        ]
        skipped = [{"subject": skipped.subject, "reason": skipped.reason} for skipped in self.skipped]
        return {"summary": self.summary(), "skipped": skipped, "findings": issues}

    def __str__(self) -> str:
        """A table of issues, and what is there."""
        names = [self._name(issue) for issue in self.issues]
        width = max(map(len, names), default=0)
        lines = [
            f"{issue.level:7}  {name:{width}}  {issue.problem.removesuffix('.')}"
            for issue, name in zip(self.issues, names, strict=True)
        ]
        lines += [""] if lines else []
        lines += [f"{title:10} {text}" for title, text in _summary_lines(self.summary(), self._skipped())]
        lines.append(f"Errors: {self.num_errors}. Warnings: {len(self.issues) - self.num_errors}.")
        return "\n".join(lines)

    def _skipped(self) -> str:
        """Who was left out, and why."""
        codes: dict[str, list[str]] = {}
        for skipped in self.skipped:
            codes.setdefault(skipped.reason, []).append(skipped.subject)
        return "; ".join(f"{len(who)}, {reason}: {listed(who)}" for reason, who in codes.items()) or "none"

    def _name(self, issue: Issue) -> str:
        """A file as seen from the data set's folder."""
        inside = issue.file.is_relative_to(self.root)
        return str(issue.file.relative_to(self.root) if inside else issue.file)


def check(
    root: Path | str,
    data_format: str = AUTO,
    workers: int | None = None,
    progress: bool = False,
    exclude: Sequence[str] = (),
    slice_orders: Sequence[str] = (),
) -> Inspection:
    """Read every file of a raw data set and check it; nothing is written.

    Args:
        root: the data set's folder.
        data_format: a reader's name, or `"auto"`.
        workers: subjects checked at the same time; default: one per processor.
        progress: whether to show a progress bar.
        exclude: codes of subjects to leave out.
        slice_orders: `"apex-first"` or `"base-first"` for all subjects, `"CODE=base-first"` for one, where it
            is not to be told from the files.

    Raises:
        CmrtfError: the folder is no data set that can be read, it has no subject of such a code, or a slice
            order is none, or an argument is of another type.
    """
    require_flags(progress=progress)
    require_texts("exclude", exclude)
    require_texts("slice_orders", slice_orders)
    require_whole("workers", 1 if workers is None else workers, 1, MAX_WORKERS)
    root = Path(root)
    cohort = with_slice_orders(leave_out(read_raw(root, data_format), exclude), slice_orders)
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        results = pool.map(_inspect_subject, cohort.subjects)
        subjects = list(
            progress_bar(results, "check", len(cohort.subjects), unit="subject", disable=not progress)
        )
    orders = {facts.raw.subject: facts.is_base_first for facts, _ in subjects if facts}
    informed = with_other_orders(cohort.subjects, orders)
    subjects = [
        result if raw == again else _inspect_subject(again)
        for raw, again, result in zip(cohort.subjects, informed, subjects, strict=True)
    ]
    facts = [facts for facts, _ in subjects if facts]
    duplicates = duplicate_issues((each.raw, each.voxels_sha256) for each in facts)
    copies = {issue.subject for issue in duplicates}
    issues = [
        *cohort.problems,
        *cohort.warnings,
        *(issue for _, issues in subjects for issue in issues),
        *duplicates,
    ]
    issues.sort(key=lambda issue: (issue.level != ERROR, str(issue.file)))
    usable = tuple(each for each in facts if each.raw.subject not in copies)
    return Inspection(root, cohort.format, len(cohort.codes), usable, cohort.skipped, tuple(issues))


def _inspect_subject(raw: RawSubject) -> tuple[Facts | None, tuple[Issue, ...]]:
    """A subject's facts, unless it cannot be used, and what is wrong with it."""
    subject = check_subject(raw)
    if not subject.is_usable:
        return None, subject.issues
    try:
        subject.require_contrast()
    except FileError as error:
        return None, (*subject.issues, Issue.of(error, raw.subject))
    stack = next(iter(subject.stacks.values()))
    facts = Facts(
        subject.raw, stack.spacing_mm, stack.num_slices, subject.voxels_sha256, subject.known_base_first
    )
    return facts, subject.issues


def _summary_lines(summary: Mapping[str, Any], skipped: str) -> list[tuple[str, str]]:
    """What is there, as title and text."""

    def counts(key: str) -> str:
        return ", ".join(f"{name} {count}" for name, count in summary[key].items()) or "none"

    def span(key: str) -> str:
        return " to ".join(f"{value:g}" for value in summary[key]) or "none"

    return [
        ("format", summary["format"]),
        ("subjects", f"{summary['usable']} of {summary['subjects']} can be used"),
        ("skipped", skipped),
        ("vendors", counts("vendors")),
        ("pathology", counts("pathologies")),
        ("phases", counts("phases")),
        ("pixels", f"{span('pixel_mm')} mm"),
        ("slices", f"{span('slices')}, {span('slice_spacing_mm')} mm apart"),
    ]


def _counts(names: Iterable[str]) -> dict[str, int]:
    """How often each name occurs, in their order."""
    return dict(sorted(Counter(name or "unknown" for name in names).items()))


def _range(values: NDArray[Any]) -> list[float]:
    """Smallest and largest value, or nothing of nothing."""
    return [round(float(values.min()), 3), round(float(values.max()), 3)] if values.size else []
