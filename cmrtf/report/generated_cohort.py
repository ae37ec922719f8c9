"""A cohort of new subjects, written one by one: it can be stopped, and goes on when asked for again.

Subject number i is a function of the seed and of i, so neither what was written before nor how many are
wanted changes it. Its provenance is written last and says that it is complete.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, overload

import numpy as np

from cmrtf.core.arguments import MAX_SEED, MAX_SUBJECTS, MAX_WORKERS, require_flags, require_whole
from cmrtf.core.beam import followed, require_beam, run_on_beam
from cmrtf.core.files import exists, real_path, require_writable, write_text, writing_to
from cmrtf.core.progress import progress_bar
from cmrtf.core.subject import Subject
from cmrtf.datasets.base import Layout
from cmrtf.datasets.layouts import LAYOUTS
from cmrtf.errors import CmrtfError
from cmrtf.report.cohort_files import (
    alone_in,
    differing,
    listed_values,
    missing_numbers,
    provenances_of,
    write_subject,
)
from cmrtf.report.cohort_report import write_cohort_report
from cmrtf.report.provenance_files import ProvenanceFiles, code_of
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.appearance_bank import SAMPLE, AppearanceBank, find_style
from cmrtf.synthesis.criteria import Condition
from cmrtf.synthesis.generate import generate_subject, pathology_choice
from cmrtf.synthesis.heart_beat import require_beating
from cmrtf.synthesis.protocols import Models
from cmrtf.synthesis.randomised_contrast import IMAGES, SYNTHETIC, with_images
from cmrtf.version import __version__


@dataclass(frozen=True)
class Source:
    """What new subjects are made from: a bundle.

    Args:
        models: decode labels and synthesize images.
        prior: the distribution that hearts are drawn from.
        bank: of appearances.
        provenance: names the bundle.
        reopen: opens the same again in another process; can be pickled and hashed.
    """

    models: Models
    prior: AnatomyPrior
    bank: AppearanceBank
    provenance: Mapping[str, Any]
    reopen: "Callable[[], Source]"


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

    def save(
        self,
        out: Path | str,
        layout: str = "mnms",
        prefix: str | None = None,
        *,
        workers: int | None = None,
        beam: bool = False,
        beam_options: Sequence[str] = (),
    ) -> None:
        """Write all subjects, or those that are missing, and a page to look at them.

        Args:
            out: its folder: new, empty, or of the same cohort, to go on with, which may have been smaller;
                with a prefix also a data set of nnU-Net, to add to.
            layout: `"mnms"`, `"nnunet"` or `"bids"`; `"mnms"` alone holds whole heart beats.
            prefix: what subjects' codes begin with, in place of `SYN`.
            workers: subjects that Beam makes at the same time on this machine; default: one per processor.
            beam: whether Apache Beam hands out subjects, all of whose workers see the bundle and `out`.
            beam_options: of the pipeline; without any it runs on this machine.

        Raises:
            CmrtfError: there is no such layout; `out` has another name than the layout wants, holds something
                else, or cannot be written; Beam is not installed or refuses its options; or a subject cannot
                be made.
        """
        if layout not in LAYOUTS:
            raise CmrtfError(f"layout: expected one of {', '.join(LAYOUTS)}. Received: {layout!r}.")
        require_flags(beam=beam)
        require_whole("workers", 1 if workers is None else workers, 1, MAX_WORKERS)
        if beam:
            require_beam()
        folder, writer = Path(out), LAYOUTS[layout]
        writer.check_folder(folder)
        if self.request.num_frames is not None:
            writer.check_cines()
        files = ProvenanceFiles.of(folder, prefix)
        settings = self._settings(writer)
        require_writable(folder)
        with alone_in(files, writer, settings):
            missing = missing_numbers(files, len(self))
            if beam:
                self._write_on_beam(files, layout, settings, missing, workers, beam_options)
            else:
                done = len(self) - len(missing)
                for number in progress_bar(
                    missing, desc="Generate", unit="subject", initial=done, total=len(self)
                ):
                    self._write(number, files, layout, settings)
            write_cohort_report(folder, writer, files.page, settings, provenances_of(files, len(self)))
            writer.complete(folder, provenances_of(files, len(self)))

    def _write(self, number: int, files: ProvenanceFiles, layout: str, settings: Mapping[str, Any]) -> None:
        """Make and write subject `number`, counted from 1."""
        subject = replace(self.subject(number), name=files.code(number))
        write_subject(files, LAYOUTS[layout], settings, number, subject)

    def _write_on_beam(
        self,
        files: ProvenanceFiles,
        layout: str,
        settings: Mapping[str, Any],
        missing: Sequence[int],
        workers: int | None,
        options: Sequence[str],
    ) -> None:
        """Let Beam's workers make and write subjects.

        Raises:
            CmrtfError: some could not be made; the first is told of.
        """
        shared = replace(files, root=real_path(files.root))  # whatever folder a worker runs in
        for number in missing:
            files.refusal(number).unlink(missing_ok=True)
        work = functools.partial(_write_one, self.source.reopen, self.request, shared, layout, settings)

        def num_done() -> int:
            return len(self) - len(missing_numbers(files, len(self)))

        with followed("Generate", len(self), num_done, progress=True):
            run_on_beam(work, missing, workers, options)
        refused = [files.refusal(number) for number in missing if exists(files.refusal(number))]
        problems = [path.read_text(encoding="utf-8") for path in refused]
        for path in refused:
            path.unlink()
        if problems:
            more = f" So it went for {len(problems)} of {len(missing)} subjects." if problems[1:] else ""
            raise CmrtfError(problems[0] + more)

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


@functools.lru_cache(maxsize=1)
def _opened(reopen: Callable[[], Source], request: Request) -> GeneratedCohort:
    """The cohort in a worker, whose models are loaded once."""
    return GeneratedCohort(reopen(), request)


def _write_one(
    reopen: Callable[[], Source],
    request: Request,
    files: ProvenanceFiles,
    layout: str,
    settings: Mapping[str, Any],
    number: int,
) -> None:
    """Make and write one subject: what a worker of Beam does."""
    try:
        cohort = _opened(reopen, request)
        own = cohort._settings(LAYOUTS[layout])
        if others := differing(settings, own):
            raise CmrtfError(
                f"expected workers that make the same subjects: {listed_values(others, settings)}. "
                f"Received: {listed_values(others, own)}."
            )
        with writing_to(files.root):
            cohort._write(number, files, layout, settings)
    except CmrtfError as error:  # raised, it would be buried in Beam's traceback
        write_text(files.refusal(number), str(error))
