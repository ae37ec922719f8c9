"""A cohort of new subjects, written one by one: it can be stopped, and goes on when asked for again.

Subject number i is a function of the seed and of i, so neither what was written before nor how many are
wanted changes it. Its provenance is written last and says that it is complete.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, overload

import numpy as np

from cmrtf.core.arguments import MAX_SEED, MAX_SUBJECTS, require_whole
from cmrtf.core.files import (
    exists,
    is_file,
    is_folder,
    is_free,
    require_new_folder,
    require_writable,
    write_json,
    writing_to,
)
from cmrtf.core.json_files import with_checksum
from cmrtf.core.locks import lock
from cmrtf.core.progress import progress_bar
from cmrtf.core.subject import Subject
from cmrtf.datasets.base import Layout
from cmrtf.datasets.layouts import LAYOUTS
from cmrtf.errors import CmrtfError
from cmrtf.report.cohort_report import write_cohort_report
from cmrtf.report.provenance import complete_provenance
from cmrtf.report.provenance_entries import read_provenance, read_settings
from cmrtf.report.provenance_files import ProvenanceFiles, code_of
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.appearance_bank import SAMPLE, AppearanceBank, find_style
from cmrtf.synthesis.criteria import Condition
from cmrtf.synthesis.generate import generate_subject, pathology_choice
from cmrtf.synthesis.heart_beat import require_beating
from cmrtf.synthesis.protocols import Models
from cmrtf.synthesis.randomised_contrast import IMAGES, SYNTHETIC, with_images
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
        images: one of `IMAGES`: as the style says, in random contrasts, or every second one so.
        num_frames: of a heart beat of each; None for end diastole and end systole alone.

    Raises:
        CmrtfError: a number is out of range, there are no such images, or none of beating hearts.
    """

    subjects: int
    seed: int = 0
    style: str = SAMPLE
    pathology: str | None = None
    conditions: tuple[Condition, ...] = ()
    images: str = SYNTHETIC
    num_frames: int | None = None

    def __post_init__(self) -> None:
        if self.images not in IMAGES:
            raise CmrtfError(f"images: expected one of {', '.join(IMAGES)}. Received: {self.images!r}.")
        require_whole("subjects", self.subjects, 1, MAX_SUBJECTS)
        require_whole("seed", self.seed, 0, MAX_SEED)
        if self.num_frames is not None:
            require_beating(self.num_frames)
            if self.images != SYNTHETIC:
                raise CmrtfError(
                    f"images: expected {SYNTHETIC} for beating hearts, whose contrast is the same in all "
                    f"frames. Received: {self.images}."
                )


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
        subject = generate_subject(
            self.source.models,
            self.source.prior,
            self.style,
            code_of(number),
            int(rng.integers(2**32)),
            self.pathologies.draw(rng),
            self.request.conditions,
            self.request.num_frames,
        )
        return with_images(subject, self.request.images, number, rng)

    def save(self, out: Path | str, layout: str = "mnms", prefix: str | None = None) -> None:
        """Write all subjects, or those that are missing, and a page to look at them.

        Args:
            out: its folder: new, empty, or of the same cohort, to go on with, which may have been smaller;
                with a prefix also a data set of nnU-Net, to add to.
            layout: `"mnms"`, `"nnunet"` or `"bids"`; `"mnms"` alone holds whole heart beats.
            prefix: what subjects' codes begin with, in place of `SYN`.

        Raises:
            CmrtfError: there is no such layout; `out` has another name than the layout wants, holds something
                else, or cannot be written; or a subject cannot be made.
        """
        if layout not in LAYOUTS:
            raise CmrtfError(f"layout: expected one of {', '.join(LAYOUTS)}. Received: {layout!r}.")
        folder, writer = Path(out), LAYOUTS[layout]
        writer.check_folder(folder)
        if self.request.num_frames is not None:
            writer.check_cines()
        files = ProvenanceFiles.of(folder, prefix)
        settings = self._settings(writer)
        require_writable(folder)
        with _alone_in(files, writer, settings):
            for number in _missing(files, len(self)):
                subject = replace(self.subject(number), name=files.code(number))
                files.folder.mkdir(parents=True, exist_ok=True)
                write_json(files.settings, with_checksum(settings))
                writer.write_subject(folder, subject)
                write_json(files.of_subject(number), with_checksum(_provenance(subject, settings)))
            write_cohort_report(folder, writer, files.page, settings, _provenances(files, len(self)))
            writer.complete(folder, _provenances(files, len(self)))

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
            "images": self.request.images,
            "frames": self.request.num_frames,
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


def _missing(files: ProvenanceFiles, subjects: int) -> Iterator[int]:
    """Numbers of the subjects that are not complete yet, with a progress bar."""
    numbers = [n for n in range(1, subjects + 1) if not exists(files.of_subject(n))]
    yield from progress_bar(
        numbers, desc="Generate", unit="subject", initial=subjects - len(numbers), total=subjects
    )


def _provenances(files: ProvenanceFiles, subjects: int) -> Iterator[Mapping[str, Any]]:
    """What was noted of each subject of a cohort whose subjects are all there."""
    for number in range(1, subjects + 1):
        yield read_provenance(files.of_subject(number), files.code(number))


@contextlib.contextmanager
def _alone_in(files: ProvenanceFiles, layout: Layout, settings: Mapping[str, Any]) -> Iterator[None]:
    """Hold a folder that is new, or has a cohort to go on with: no other process writes there.

    Raises:
        CmrtfError: there is something else, another process writes there, or it cannot be written.
    """
    _require_new_or_same(files, layout, settings)  # before anything is put there
    out = files.root
    refusal = (
        f"{out}: expected a folder that no other process writes to. Received: one that another "
        f"cmrtf generate is writing to. Wait for it or name another folder."
    )
    with writing_to(out):
        is_new = not exists(out)
        out.mkdir(parents=True, exist_ok=True)
        with lock(out / LOCK_NAME, refusal):
            _require_new_or_same(files, layout, settings)
            try:
                yield
            finally:
                (out / LOCK_NAME).unlink()
                if is_new:
                    with contextlib.suppress(OSError):  # unless a subject is in it
                        out.rmdir()


def _require_new_or_same(files: ProvenanceFiles, layout: Layout, settings: Mapping[str, Any]) -> None:
    """Check that a folder is new, can be added to, or has the same cohort, or the first subjects of it."""
    out = files.root
    if not is_file(files.settings):
        if files.prefix and layout.check_addable and is_folder(out) and not is_free(out):
            layout.check_addable(out, files.prefix)
        else:
            require_new_folder(out)
        return
    before_choices = {"images": SYNTHETIC, "frames": None}
    begun = before_choices | read_settings(files.settings)
    others = [name for name in settings if begun.get(name) != settings[name]]
    if others == ["subjects"] and begun["subjects"] < settings["subjects"]:
        return
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
            **(subject.cine.facts if subject.cine else {}),
            "intensity_window": list(map(float, stack.intensity_window)),
            "measures": subject.measures(),
        }
    )
