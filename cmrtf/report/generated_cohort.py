"""A cohort of new subjects, written one by one: it can be stopped, and goes on when asked for again.

Subject number i is a function of the seed and of i, so neither what was written before nor how many are
wanted changes it. Its provenance is written last and says that it is complete.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
from tqdm.auto import tqdm

from cmrtf.core.files import require_new_folder, require_writable, write_json, writing_to
from cmrtf.core.locks import lock
from cmrtf.core.subject import Subject
from cmrtf.datasets.base import PROVENANCE_FOLDER, Layout
from cmrtf.datasets.layouts import LAYOUTS
from cmrtf.errors import CmrtfError
from cmrtf.report.cohort_report import write_cohort_report
from cmrtf.report.provenance import complete_provenance
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.appearance import SAMPLE, AppearanceBank, find_style
from cmrtf.synthesis.criteria import Condition
from cmrtf.synthesis.generate import generate_subject, pathology_choice
from cmrtf.synthesis.protocols import Models
from cmrtf.version import __version__

LOCK_NAME = ".generating"
"""The file that is held in the folder of a cohort in the making."""


@dataclass(frozen=True)
class Source:
    """What new subjects are made from: a bundle.

    Args:
        models: decode labels and synthesize images.
        prior: the distribution that hearts are drawn from.
        bank: of appearances.
        provenance: names the bundle.
    """

    models: Models
    prior: AnatomyPrior
    bank: AppearanceBank
    provenance: Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """What is wanted.

    Args:
        subjects: how many.
        seed: of all that is drawn.
        style: what images shall look like, as `find_style` understands it.
        pathology: whose hearts; None for as often as they occur in the bundle and fulfil the conditions.
        conditions: that all hearts fulfil.
    """

    subjects: int
    seed: int = 0
    style: str = SAMPLE
    pathology: str | None = None
    conditions: tuple[Condition, ...] = ()


class GeneratedCohort(Sequence[Subject]):
    """New subjects, each made when it is asked for: by index, by iteration, or to be written.

    Args:
        source: what they are made from.
        request: what is wanted.

    Raises:
        CmrtfError: nothing that was learned can fulfil the request.
    """

    def __init__(self, source: Source, request: Request) -> None:
        self.source, self.request = source, request
        self.style = find_style(source.models, source.bank, request.style)
        self.pathologies = pathology_choice(source.prior, request.pathology, request.conditions)

    def subject(self, number: int) -> Subject:
        """Subject `number`, counted from 1: a function of the seed and of `number`.

        Raises:
            CmrtfError: none of the hearts that were drawn for it is plausible and fulfils the conditions.
        """
        rng = np.random.default_rng((self.request.seed, number))
        return generate_subject(
            self.source.models,
            self.source.prior,
            self.style,
            _code(number),
            int(rng.integers(2**32)),
            self.pathologies.draw(rng),
            self.request.conditions,
        )

    def save(self, out: Path | str, layout: str = "mnms") -> None:
        """Write all subjects, or those that are missing, and a page to look at them.

        Args:
            out: its folder: new, empty, or of the same cohort, to go on with.
            layout: `"mnms"`, `"nnunet"` or `"bids"`.

        Raises:
            CmrtfError: there is no such layout; `out` has another name than the layout wants, holds something
                else, or cannot be written; or a subject cannot be made.
        """
        if layout not in LAYOUTS:
            raise CmrtfError(f"layout: expected one of {', '.join(LAYOUTS)}. Received: {layout!r}.")
        folder, writer = Path(out), LAYOUTS[layout]
        writer.check_folder(folder)
        settings = self._settings(writer)
        require_writable(folder)
        with _alone_in(folder, settings):
            for number in _missing(folder, len(self)):
                subject = self.subject(number)
                (folder / PROVENANCE_FOLDER).mkdir(exist_ok=True)
                write_json(_settings_file(folder), settings)
                writer.write_subject(folder, subject)
                write_json(_provenance_file(folder, number), _provenance(subject, settings))
            write_cohort_report(folder, writer, settings, _provenances(folder, len(self)))
            writer.complete(folder, _provenances(folder, len(self)))

    def _settings(self, layout: Layout) -> dict[str, Any]:
        """All that the cohort depends on."""
        return {
            **self.source.provenance,
            "cmrtf_version": __version__,
            "format": layout.name,
            "subjects": self.request.subjects,
            "seed": self.request.seed,
            "style": self.style.name,
            "pathology": self.request.pathology,
            "conditions": [str(condition) for condition in self.request.conditions],
        }

    def __len__(self) -> int:
        return self.request.subjects

    @overload
    def __getitem__(self, index: int) -> Subject: ...

    @overload
    def __getitem__(self, index: slice) -> list[Subject]: ...

    def __getitem__(self, index: int | slice) -> Subject | list[Subject]:
        numbers = range(1, len(self) + 1)[index]
        return self.subject(numbers) if isinstance(numbers, int) else list(map(self.subject, numbers))

    def __repr__(self) -> str:
        return f"GeneratedCohort({len(self)} subjects, seed {self.request.seed}, {self.style.name})"


def _missing(out: Path, subjects: int) -> Iterator[int]:
    """Numbers of the subjects that are not complete yet, with a progress bar."""
    numbers = [n for n in range(1, subjects + 1) if not _provenance_file(out, n).exists()]
    yield from tqdm(numbers, desc="Generate", unit="subject", initial=subjects - len(numbers), total=subjects)


def _provenances(out: Path, subjects: int) -> Iterator[Mapping[str, Any]]:
    """What was noted of each subject of a cohort whose subjects are all there."""
    for number in range(1, subjects + 1):
        yield json.loads(_provenance_file(out, number).read_text(encoding="utf-8"))


def _code(number: int) -> str:
    return f"SYN{number:05d}"


def _provenance_file(out: Path, number: int) -> Path:
    return out / PROVENANCE_FOLDER / f"{_code(number)}.json"


def _settings_file(out: Path) -> Path:
    return out / PROVENANCE_FOLDER / "cohort.json"


@contextlib.contextmanager
def _alone_in(out: Path, settings: Mapping[str, Any]) -> Iterator[None]:
    """Hold a folder that is new, or has a cohort of the same settings: no other process writes there.

    Raises:
        CmrtfError: there is something else, another process writes there, or it cannot be written.
    """
    _require_new_or_same(out, settings)  # before anything is put there
    refusal = (
        f"{out}: expected a folder that no other process writes to. Received: one that another "
        f"cmrtf generate is writing to. Wait for it or name another folder."
    )
    with writing_to(out):
        out.mkdir(parents=True, exist_ok=True)
        with lock(out / LOCK_NAME, refusal):
            _require_new_or_same(out, settings)
            try:
                yield
            finally:
                (out / LOCK_NAME).unlink()


def _require_new_or_same(out: Path, settings: Mapping[str, Any]) -> None:
    file = _settings_file(out)
    if not file.is_file():
        require_new_folder(out)
        return
    begun = json.loads(file.read_text(encoding="utf-8"))
    others = [name for name in settings if begun.get(name) != settings[name]]
    if others:
        expected, received = (
            ", ".join(f"{name} {values.get(name)}" for name in others) for values in (begun, settings)
        )
        raise CmrtfError(
            f"{out}: expected what this cohort was begun with, to go on with it: {expected}. "
            f"Received: {received}. Name another folder, or remove this one first."
        )


def _provenance(subject: Subject, settings: Mapping[str, Any]) -> dict[str, Any]:
    stack = next(iter(subject.stacks.values()))
    return complete_provenance(
        {
            **settings,
            "subject": subject.name,
            "subject_seed": subject.origin["subject_seed"],
            "vendor": subject.vendor,
            "centre": subject.centre,
            "pathology": subject.pathology,
            "parents": subject.origin["parents"],
            "phases": list(subject.phases),
            "intensity_window": list(map(float, stack.intensity_window)),
            "measures": subject.measures(),
        }
    )
