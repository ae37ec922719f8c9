"""What a benchmark keeps: networks, students and scores, so that one that was stopped goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from cmrtf.benchmark.domains import Domain
from cmrtf.benchmark.scores import SCORED, Scores, StoredScores, from_stored, to_stored
from cmrtf.core.files import exists, write_json, write_text
from cmrtf.core.json_files import Text, read_json, with_checksum
from cmrtf.core.settings_file import keep_settings

SETTINGS: Final = "benchmark.json"
"""Of all trials: what must not change while a benchmark goes on."""

FORMAT_VERSION: Final = 1


@dataclass(frozen=True)
class Trial:
    """One division of the cohort, with so many patients to train on.

    Args:
        fold: number of the division.
        amount: of patients.
    """

    fold: int
    amount: int

    def __str__(self) -> str:
        return f"fold{self.fold}-n{self.amount}"


@dataclass(frozen=True)
class Result:
    """Scores of one student on one domain.

    Args:
        trial: what it was trained on.
        arm: how it was trained.
        seed: of its training.
        domain: what it was tested on.
        scores: of the domain's patients.
    """

    trial: Trial
    arm: str
    seed: int
    domain: str
    scores: Scores


class _ScoresFile(Struct):
    """Scores of a student on a domain, with what tells other patients apart."""

    domain: Text
    subjects: list[Text]
    scores: StoredScores

    def __post_init__(self) -> None:
        """Refuse what lacks a measure, or the value of a patient."""
        if {measure: set(by) for measure, by in self.scores.items()} != {
            measure: set(names) for measure, names in SCORED.items()
        }:
            raise ValueError(f"Expected {', '.join(SCORED)}, each with all its names")
        numbers = {len(values) for by in self.scores.values() for values in by.values()}
        if numbers != {len(self.subjects)}:
            raise ValueError(f"Expected a value for each of {len(self.subjects)} patients")


@dataclass(frozen=True)
class ResultsFolder:
    """The folder of a benchmark.

    Args:
        path: of it.
    """

    path: Path

    def start(self, settings: Mapping[str, Any]) -> None:
        """Make the folder, or check that what is in it was made with the same settings.

        Raises:
            CmrtfError: the folder holds something else or a benchmark of other settings, or cannot be
                written.
        """
        keep_settings(self.path / SETTINGS, {"version": FORMAT_VERSION, **settings}, "a benchmark")

    def networks(self, trial: Trial) -> Path:
        """Prepared cohort, runs and bundle of a trial."""
        return self.path / "networks" / str(trial)

    def student(self, trial: Trial, arm: str, seed: int) -> Path:
        """Weights of a student."""
        return self.path / "students" / f"{trial}-{arm}-seed{seed}"

    def scores(self, trial: Trial, arm: str, seed: int, domain: str) -> Path:
        """Scores of a student on a domain."""
        return self.path / "scores" / domain / f"{trial}-{arm}-seed{seed}.json"

    def write_page(self, html: str, tables: Mapping[str, Any]) -> None:
        """Write the page, and the same as data, in place of those of before."""
        write_text(self.path / "report.html", html)
        write_json(self.path / "results.json", tables)


def read_scores(file: Path, domain: Domain) -> Scores | None:
    """Scores that were kept; None where there are none of these patients.

    Raises:
        CmrtfError: the file is damaged.
    """
    if not exists(file):
        return None
    stored = read_json(file, _ScoresFile, "the scores of a segmenter")
    same = stored["domain"] == domain.identity and stored["subjects"] == domain.names
    return from_stored(stored["scores"]) if same else None


def write_scores(file: Path, domain: Domain, scores: Scores) -> None:
    """Keep scores of a domain's patients."""
    file.parent.mkdir(parents=True, exist_ok=True)
    entries = {"domain": domain.identity, "subjects": domain.names, "scores": to_stored(scores)}
    write_json(file, with_checksum(entries))
