"""A cohort of new subjects, written one by one: it can be stopped, and goes on when asked for again.

Subject number i is a function of the seed and of i, so neither what was written before nor how many are
wanted changes it. Its provenance is written last and says that it is complete.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from cmrtf.core.files import require_new_folder, write_json, writing_to
from cmrtf.core.labels import SCHEMA
from cmrtf.core.measures import measure
from cmrtf.datasets.cohort_format import CohortFormat
from cmrtf.errors import CmrtfError
from cmrtf.report.cohort_report import write_cohort_report
from cmrtf.report.provenance import PROVENANCE, complete_provenance
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.appearance import SAMPLE, AppearanceBank, Style, find_style
from cmrtf.synthesis.choice import pathology_choice
from cmrtf.synthesis.criteria import Condition
from cmrtf.synthesis.generate import GeneratedSubject, generate_subject
from cmrtf.synthesis.protocols import Models
from cmrtf.version import __version__


@dataclass(frozen=True)
class Source:
    """What new subjects are made from: a bundle.

    Args:
        models: decode and paint.
        prior: of hearts.
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


def generate_cohort(source: Source, request: Request, cohort_format: CohortFormat, out: Path) -> None:
    """Write a cohort, or what is missing of it, and a page to look at it.

    Args:
        source: what it is made from.
        request: what is wanted.
        cohort_format: how it is written.
        out: its folder: new, empty, or of the same cohort.

    Raises:
        CmrtfError: nothing that was learned can fulfil the request, or `out` has another name than the format
            wants, holds something else, or cannot be written.
    """
    cohort_format.check_folder(out)
    style = find_style(source.models, source.bank, request.style)
    settings = _settings(source, request, style, cohort_format)
    _require_new_or_same(out, settings)
    pathologies = pathology_choice(source.prior, request.pathology, request.conditions)
    with writing_to(out):
        for number in _missing(out, request.subjects):
            rng = np.random.default_rng((request.seed, number))
            subject = generate_subject(
                source.models,
                source.prior,
                style,
                _code(number),
                int(rng.integers(2**32)),
                pathologies.draw(rng),
                request.conditions,
            )
            (out / PROVENANCE).mkdir(parents=True, exist_ok=True)
            write_json(_settings_file(out), settings)
            cohort_format.write_subject(out, subject)
            write_json(_provenance_file(out, number), _provenance(subject, settings))
        write_cohort_report(out, cohort_format, settings, _provenances(out, request.subjects))
        cohort_format.complete(out, _provenances(out, request.subjects))


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
    return out / PROVENANCE / f"{_code(number)}.json"


def _settings_file(out: Path) -> Path:
    return out / PROVENANCE / "cohort.json"


def _settings(source: Source, request: Request, style: Style, cohort_format: CohortFormat) -> dict[str, Any]:
    """All that a cohort depends on."""
    return {
        **source.provenance,
        "cmrtf_version": __version__,
        "format": cohort_format.name,
        "subjects": request.subjects,
        "seed": request.seed,
        "style": style.name,
        "pathology": request.pathology,
        "conditions": [str(condition) for condition in request.conditions],
    }


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


def _provenance(subject: GeneratedSubject, settings: Mapping[str, Any]) -> dict[str, Any]:
    facts = {
        **settings,
        "subject": subject.name,
        "subject_seed": subject.seed,
        "vendor": subject.appearance.vendor,
        "centre": subject.appearance.centre,
        "pathology": subject.pathology,
        "parents": subject.parents,
        "phases": list(subject.stacks),
        "intensity_window": list(map(float, subject.appearance.intensity_window)),
        "measures": measure(subject.stacks, SCHEMA),
    }
    return complete_provenance(facts, SCHEMA)
