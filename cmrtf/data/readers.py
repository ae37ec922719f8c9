"""Which layouts can be read, and which of them a folder holds.

To add a data set, write its reader in a file of its own and list it in `READERS`.
"""

from pathlib import Path

from cmrtf.data import reader_acdc, reader_mnms
from cmrtf.data.raw_subject import RawCohort, Reader
from cmrtf.errors import CmrtfError

READERS: tuple[Reader, ...] = (reader_mnms.READER, reader_acdc.READER)

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
    return cohort


def _reader(root: Path, data_format: str) -> Reader:
    """The reader of that name, or the one that recognises the folder."""
    candidates = [reader for reader in READERS if data_format in (AUTO, reader.name)]
    matching = [reader for reader in candidates if reader.recognises(root)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise CmrtfError(
            f"{root}: expected one data set. Received: files of {' and '.join(r.name for r in matching)}. "
            f"Name the folder of one of them, or choose with --format."
        )
    layouts = "; ".join(f"{reader.name}: {reader.layout}" for reader in candidates)
    names = sorted(path.name for path in root.iterdir())
    found = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    raise CmrtfError(
        f"{root}: expected a data set of a known layout ({layouts}). "
        f"Received: a folder with {found or 'nothing in it'}."
    )
