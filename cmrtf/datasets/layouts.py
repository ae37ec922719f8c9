"""Which layouts can be read and written, and which of them a folder holds.

To add a data set, write its layout in a file of its own and list it in `READERS` or in `LAYOUTS`.
"""

import difflib
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cmrtf.core.files import real_path
from cmrtf.core.issues import ERROR, WARNING, Issue, listed, raise_errors
from cmrtf.datasets import acdc, bids, folder, mnms, mnms2, nnunet, nnunet_writing, sunnybrook
from cmrtf.datasets.base import Layout, RawCohort, RawSubject, Reader, SkippedSubject
from cmrtf.datasets.raw_files import list_files
from cmrtf.errors import CmrtfError

READERS: tuple[Reader, ...] = (
    mnms.READER,
    mnms2.READER,
    acdc.READER,
    sunnybrook.READER,
    nnunet.READER,
    folder.READER,
)

SELF_DESCRIBED: tuple[Reader, ...] = (folder.READER, nnunet.READER)
"""Those whose folders say what they are, whatever their files are called; the first one holds."""

LAYOUTS: Mapping[str, Layout] = {
    layout.name: layout for layout in (mnms.LAYOUT, nnunet_writing.LAYOUT, bids.LAYOUT)
}
"""What generated cohorts can be written as, by name."""

AUTO = "auto"

MAX_CODE_BYTES = 200
"""Of a subject's code: with what is put behind it, it names files, whose names may have 255 bytes."""


def read_raw(root: Path, data_format: str = AUTO) -> RawCohort:
    """Find the subjects of a raw data set without loading their volumes.

    Args:
        root: the data set's folder, or one above it.
        data_format: a reader's name, or `"auto"` to go by the files.

    Raises:
        CmrtfError: the folder does not exist, its layout is unknown, or it holds no subject.
    """
    _require_folder(root)
    unseen = list_files(root).issues
    try:
        cohort = _reader(root, data_format).read(root)
    except CmrtfError:
        raise_errors(unseen)  # the reason, very likely
        raise
    problems = (*unseen, *cohort.problems)
    if not cohort.subjects and not problems:
        raise CmrtfError(
            f"{root}: expected labelled subjects. Received: none, and {len(cohort.skipped)} without labels."
        )
    times = Counter(subject.subject for subject in cohort.subjects)
    twice = [subject for subject in cohort.subjects if times[subject.subject] > 1]
    unfit = [subject for subject in cohort.subjects if not _is_fit(subject.subject)]
    good = [each for each in cohort.subjects if each not in twice and each not in unfit]
    phases = {phase for subject in good for phase in subject.phases}
    subjects = tuple(_with_links(_with_missing_phases(subject, phases), real_path(root)) for subject in good)
    problems = (*problems, *map(_twice_issue, twice), *map(_unfit_issue, unfit))
    return replace(cohort, subjects=subjects, problems=problems)


def leave_out(cohort: RawCohort, codes: Sequence[str], known: Iterable[str] = ()) -> RawCohort:
    """A raw cohort without some subjects, which it then counts among the skipped ones.

    Args:
        cohort: all of it.
        codes: of the subjects that are to go.
        known: other codes that may be given: of subjects that were there before.

    Raises:
        CmrtfError: there is no such subject, or none is left.
    """
    there = {*cohort.codes, *(skipped.subject for skipped in cohort.skipped)}
    for code in codes:
        if code not in there and code not in known:
            close = difflib.get_close_matches(code, sorted(there), n=5)
            hint = f"Did you mean: {', '.join(close)}?" if close else f"There are: {listed(sorted(there))}."
            raise CmrtfError(f"exclude: expected the code of a subject. Received: {code!r}. {hint}")
    if codes and cohort.codes <= set(codes):
        raise CmrtfError(f"exclude: expected some subjects to be left. Received: all {len(cohort.codes)}.")
    excluded = [SkippedSubject(code, "excluded") for code in sorted(there & set(codes))]
    return replace(
        cohort,
        subjects=tuple(each for each in cohort.subjects if each.subject not in codes),
        problems=tuple(each for each in cohort.problems if each.subject not in codes),
        skipped=(*(each for each in cohort.skipped if each.subject not in codes), *excluded),
    )


def _require_folder(root: Path) -> None:
    """Check that a folder is there and can be read."""
    try:
        os.listdir(root)
    except (OSError, ValueError) as error:  # a null character is the latter
        received = getattr(error, "strerror", None) or error
        raise CmrtfError(f"{root}: expected the folder of a raw data set. Received: {received}.") from error


def _is_fit(code: str) -> bool:
    """Whether files can be named after a subject."""
    return code.isprintable() and len(code.encode()) <= MAX_CODE_BYTES


def _unfit_issue(subject: RawSubject) -> Issue:
    """A code that cannot name files."""
    code = subject.subject
    image = next(iter(subject.files.values()))
    problem = (
        f"expected a subject's code of {MAX_CODE_BYTES} bytes at most, without control characters. Received: "
        f"{ascii(code)[1:-1]:.60}, {len(code.encode())} bytes."
    )
    return Issue(ERROR, image, problem, code)


def _twice_issue(subject: RawSubject) -> Issue:
    """A code that another folder has too."""
    image = next(iter(subject.files.values()))
    return Issue(ERROR, image, f"expected subject {subject.subject} once. Received: more.", subject.subject)


def _with_missing_phases(subject: RawSubject, phases: set[str]) -> RawSubject:
    """The subject with a warning if it lacks a phase that others of the data set have."""
    if not (missing := phases - set(subject.phases)):
        return subject
    problem = (
        f"expected {' and '.join(sorted(phases))}, as other subjects have. Received: no "
        f"{' and no '.join(sorted(missing))}; the subject is used without"
    )
    image = next(iter(subject.files.values()))
    return replace(subject, issues=(*subject.issues, Issue(WARNING, image, problem)))


def _with_links(subject: RawSubject, root: Path) -> RawSubject:
    """The subject with a warning for each of its files that lies elsewhere."""
    problem = "expected a file below the data set's folder. Received: a link that leads out of it; followed"
    linked = [path for path in set(subject.files.values()) if not real_path(path).is_relative_to(root)]
    issues = tuple(Issue(WARNING, path, problem) for path in sorted(linked))
    return replace(subject, issues=(*subject.issues, *issues))


def _reader(root: Path, data_format: str) -> Reader:
    """The reader of that name, or the one that recognises the folder."""
    candidates = [reader for reader in READERS if data_format in (AUTO, reader.name)]
    if not candidates:
        names = ", ".join(reader.name for reader in READERS)
        raise CmrtfError(f"data format: expected {AUTO}, {names}. Received: {data_format!r}.")
    matching = [reader for reader in candidates if reader.recognises(root)]
    for reader in SELF_DESCRIBED:
        if reader in matching:
            return reader
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise CmrtfError(
            f"{root}: expected one data set. Received: files of {' and '.join(r.name for r in matching)}. "
            f"Name the folder of one of them, or choose with --format."
        )
    layouts = "; ".join(f"{reader.name}: {reader.layout}" for reader in candidates)
    names = listed(sorted(path.name for path in root.iterdir()), limit=5)
    raise CmrtfError(
        f"{root}: expected a data set of a known layout ({layouts}). "
        f"Received: a folder with {names or 'nothing in it'}."
    )
