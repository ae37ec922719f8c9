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
from cmrtf.core.subject import Subject
from cmrtf.datasets.base import PROVENANCE_FOLDER, Layout
from cmrtf.errors import CmrtfError
from cmrtf.report.cohort_report import write_cohort_report
from cmrtf.report.provenance import complete_provenance
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.appearance import SAMPLE, AppearanceBank, Style, find_style
from cmrtf.synthesis.criteria import Condition
from cmrtf.synthesis.generate import generate_subject, pathology_choice
from cmrtf.synthesis.protocols import Models
from cmrtf.version import __version__


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


def generate_cohort(source: Source, request: Request, layout: Layout, out: Path) -> None:
    """Write a cohort, or what is missing of it, and a page to look at it.

    Args:
        source: what it is made from.
        request: what is wanted.
        layout: how it is written.
        out: its folder: new, empty, or of the same cohort.

    Raises:
        CmrtfError: nothing that was learned can fulfil the request, or `out` has another name than the layout
            wants, holds something else, or cannot be written.
    """
    layout.check_folder(out)
    style = find_style(source.models, source.bank, request.style)
    settings = _settings(source, request, style, layout)
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
            (out / PROVENANCE_FOLDER).mkdir(parents=True, exist_ok=True)
            write_json(_settings_file(out), settings)
            layout.write_subject(out, subject)
            write_json(_provenance_file(out, number), _provenance(subject, settings))
        write_cohort_report(out, layout, settings, _provenances(out, request.subjects))
        layout.complete(out, _provenances(out, request.subjects))


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


def _settings(source: Source, request: Request, style: Style, layout: Layout) -> dict[str, Any]:
    """All that a cohort depends on."""
    return {
        **source.provenance,
        "cmrtf_version": __version__,
        "format": layout.name,
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
