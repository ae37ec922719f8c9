"""Which layouts can be read and written, and which of them a folder holds.

To add a data set, write its layout in a file of its own and list it in `READERS` or in `LAYOUTS`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from cmrtf.core.issues import ERROR, WARNING, Issue, listed
from cmrtf.datasets import acdc, bids, folder, mnms, mnms2, nnunet_writing, sunnybrook
from cmrtf.datasets.base import Layout, RawCohort, RawSubject, Reader
from cmrtf.errors import CmrtfError

READERS: tuple[Reader, ...] = (
    mnms.READER,
    mnms2.READER,
    acdc.READER,
    sunnybrook.READER,
    folder.READER,
)

LAYOUTS: Mapping[str, Layout] = {
    layout.name: layout for layout in (mnms.LAYOUT, nnunet_writing.LAYOUT, bids.LAYOUT)
}
"""What generated cohorts can be written as, by name."""

AUTO = "auto"


def read_raw(root: Path, data_format: str = AUTO) -> RawCohort:
    """Find the subjects of a raw data set without loading their volumes.

    Args:
        root: the data set's folder, or one above it.
        data_format: a reader's name, or `"auto"` to go by the files.

    Raises:
        CmrtfError: the folder does not exist, its layout is unknown, or it holds no subject.
    """
    if not root.is_dir():
        raise CmrtfError(f"{root}: expected the folder of a raw data set, but there is none.")
    cohort = _reader(root, data_format).read(root)
    if not cohort.subjects and not cohort.problems:
        raise CmrtfError(
            f"{root}: expected labelled subjects. Received: none, and {len(cohort.skipped)} without labels."
        )
    times = Counter(subject.subject for subject in cohort.subjects)
    twice = [subject for subject in cohort.subjects if times[subject.subject] > 1]
    once = [_with_links(subject, root.resolve()) for subject in cohort.subjects if subject not in twice]
    problems = (*cohort.problems, *map(_twice_issue, twice))
    return replace(cohort, subjects=tuple(once), problems=problems)


def _twice_issue(subject: RawSubject) -> Issue:
    """A code that another folder has too."""
    image = next(iter(subject.files.values()))
    return Issue(ERROR, image, f"expected subject {subject.subject} once. Received: more.", subject.subject)


def _with_links(subject: RawSubject, root: Path) -> RawSubject:
    """The subject with a warning for each of its files that lies elsewhere."""
    problem = "expected a file below the data set's folder. Received: a link that leads out of it; followed"
    linked = [path for path in set(subject.files.values()) if not path.resolve().is_relative_to(root)]
    issues = tuple(Issue(WARNING, path, problem) for path in sorted(linked))
    return replace(subject, issues=(*subject.issues, *issues))


def _reader(root: Path, data_format: str) -> Reader:
    """The reader of that name, or the one that recognises the folder; a description settles it."""
    candidates = [reader for reader in READERS if data_format in (AUTO, reader.name)]
    if not candidates:
        names = ", ".join(reader.name for reader in READERS)
        raise CmrtfError(f"data format: expected {AUTO}, {names}. Received: {data_format!r}.")
    matching = [reader for reader in candidates if reader.recognises(root)]
    if len(matching) == 1 or folder.READER in matching:
        return matching[-1]
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
