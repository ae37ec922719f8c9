"""What a layout of generated cohorts is: how one subject is written, and what comes last."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cmrtf.core.subject import LabelledStack
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.generate import GeneratedSubject


@dataclass(frozen=True)
class CohortFormat:
    """A layout on disk.

    Args:
        name: what the command line calls it.
        write_subject: writes the files of one subject below the cohort's folder. Twice does no harm.
        read_subject: reads them again, from the cohort's folder, the subject's name and the source values of
            -1 and 1: its stacks by phase.
        complete: writes the tables of the cohort, from the provenance of each subject in order. Readers
            need them, so they take no cohort that is not complete.
        folder_pattern: what the whole name of the cohort's folder must match.
        folder_example: a name that does.
    """

    name: str
    write_subject: Callable[[Path, GeneratedSubject], None]
    read_subject: Callable[[Path, str, tuple[float, float]], dict[str, LabelledStack]]
    complete: Callable[[Path, Iterable[Mapping[str, Any]]], None]
    folder_pattern: str = r".*"
    folder_example: str = ""

    def check_folder(self, out: Path) -> None:
        """Check the name of a cohort's folder.

        Raises:
            CmrtfError: readers of this layout would not accept it.
        """
        name = out.resolve().name
        if not re.fullmatch(self.folder_pattern, name):
            raise CmrtfError(
                f"{out}: expected a folder named as {self.name} wants it, such as {self.folder_example}. "
                f"Received: {name}."
            )
