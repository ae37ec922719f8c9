"""Where a generated cohort keeps how each subject was made: below its folder, in `provenance/`."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cmrtf.datasets.base import PROVENANCE_FOLDER
from cmrtf.errors import CmrtfError

PREFIX: Final = "SYN"
"""What codes begin with."""

PREFIX_PATTERN = re.compile(r"[A-Za-z][A-Za-z0-9]{0,15}")


def code_of(number: int, prefix: str = PREFIX) -> str:
    """The code of subject `number`, such as `SYN00001`."""
    return f"{prefix}{number:05d}"


@dataclass(frozen=True)
class ProvenanceFiles:
    """The files of one cohort. Cohorts with prefixes of their own can share a data set.

    Args:
        root: folder of the data set.
        prefix: that the cohort was given; None if it has the folder for itself.
    """

    root: Path
    prefix: str | None

    @classmethod
    def of(cls, root: Path, prefix: str | None) -> "ProvenanceFiles":
        """The files of a cohort.

        Raises:
            CmrtfError: the prefix would not do as the beginning of file names.
        """
        if prefix is not None and not PREFIX_PATTERN.fullmatch(prefix):
            raise CmrtfError(
                f"prefix: expected a letter and up to 15 letters and digits. Received: {prefix!r:.40}."
            )
        return cls(root, prefix)

    @property
    def folder(self) -> Path:
        """Of all these files."""
        return self.root / PROVENANCE_FOLDER / (self.prefix or "")

    @property
    def settings(self) -> Path:
        """What the cohort depends on."""
        return self.folder / "cohort.json"

    @property
    def page(self) -> Path:
        """The page to look at."""
        return self.folder / "report.html"

    def code(self, number: int) -> str:
        """Of subject `number`, counted from 1."""
        return code_of(number, self.prefix or PREFIX)

    def of_subject(self, number: int) -> Path:
        """How subject `number` was made; written last, so it says that the subject is complete."""
        return self.folder / f"{self.code(number)}.json"

    def refusal(self, number: int) -> Path:
        """Why subject `number` could not be made, as a worker tells it; not kept."""
        return self.root / f".{self.code(number)}.txt"
