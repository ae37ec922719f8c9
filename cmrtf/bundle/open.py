"""Opening a bundle: what is wrong with its files shows before anything slow is imported."""

from pathlib import Path
from typing import TYPE_CHECKING

from cmrtf.bundle.contents import read_description

if TYPE_CHECKING:
    from cmrtf.bundle.bundle import Bundle


def load_bundle(path: Path | str) -> "Bundle":
    """Trained models on disk, loaded when they are first called.

    Raises:
        CmrtfError: `path` is not a bundle, or a file of it is missing, changed or was added.

    Example:
        `bundle = cmrtf.load_bundle("bundle")`
    """
    read_description(Path(path))

    from cmrtf.bundle.bundle import Bundle

    return Bundle.open(path)
