"""What is wrong with a file: `cmrtf check` lists it, `cmrtf prepare` refuses or repairs it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cmrtf.errors import CmrtfError, FileError

ERROR = "error"
"""The subject cannot be used."""

WARNING = "warning"
"""The subject is used all the same; where the text says so, it is repaired."""

MAX_PROBLEMS = 10
"""In one message."""


@dataclass(frozen=True)
class Issue:
    """One thing that is wrong with one file.

    Args:
        level: `ERROR` or `WARNING`.
        file: where it is.
        problem: what was expected and what was received. Warnings go into manifests, so theirs quote
            nothing of the source that is free text: no names of files, no headers, no table cells.
        subject: the code of the subject, where there is one.
    """

    level: str
    file: Path
    problem: str
    subject: str = ""

    @classmethod
    def of(cls, error: FileError, subject: str = "") -> "Issue":
        """The error that a reader raised."""
        return cls(ERROR, error.file, error.problem, subject)

    def __str__(self) -> str:
        return f"{self.file}: {self.problem.rstrip('.')}."


def errors(issues: Iterable[Issue]) -> list[Issue]:
    """Those that make a subject unusable."""
    return [issue for issue in issues if issue.level == ERROR]


def raise_errors(issues: Iterable[Issue]) -> None:
    """Raise one `CmrtfError` with all errors among the issues of one subject, if there are any."""
    if fatal := errors(issues):
        raise CmrtfError(" Also: ".join(dict.fromkeys(map(str, fatal))))


def raise_problems(
    problems: Sequence[str],
    num_checked: int,
    what: str = "subjects",
    hint: str = "; `cmrtf check` lists them all",
    advice: str = "",
) -> None:
    """Raise one error that names all that cannot be used, or as much as a reader wants to see.

    Args:
        problems: one paragraph for each.
        num_checked: how many were checked.
        what: they are.
        hint: where to see the rest.
        advice: what to do about it.
    """
    if not problems:
        return
    if len(problems) == 1:
        raise CmrtfError(f"{problems[0]} {advice}".strip())
    listing = "\n".join(f"  - {problem}" for problem in problems[:MAX_PROBLEMS])
    more = len(problems) - MAX_PROBLEMS
    rest = f"\n  ... and {more} more{hint}." if more > 0 else ""
    text = f"{len(problems)} of {num_checked} {what} cannot be used:\n{listing}{rest}\n{advice}"
    raise CmrtfError(text.strip())


def listed(names: Sequence[str], limit: int = 10) -> str:
    """The first few names, and `...` where there are more.

    Example:
        >>> listed(["A", "B", "C"], limit=2)
        'A, B, ...'
    """
    return ", ".join(names[:limit]) + (", ..." if len(names) > limit else "")
