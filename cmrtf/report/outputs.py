"""A set of synthetic subjects: in memory, shown in a notebook, and written as one unit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np

from cmrtf.core.files import new_folder
from cmrtf.core.labels import PHASES, SCHEMA
from cmrtf.core.stack import CENTRE_TO_CENTRE
from cmrtf.core.stack_files import write_stack
from cmrtf.core.subject import Subject
from cmrtf.report.figure import write_figure
from cmrtf.report.html import write_report
from cmrtf.report.measures_csv import write_cine_measures, write_measures
from cmrtf.report.provenance import complete_provenance, write_provenance
from cmrtf.report.sequence import in_order
from cmrtf.report.templating import render_template
from cmrtf.synthesis.quantities import Volumes, quantities_table
from cmrtf.synthesis.remodel import Remodelled


def write_outputs(out: Path, subjects: Sequence[Subject], provenance: Mapping[str, Any]) -> None:
    """Write all outputs of a job; `out` appears when they are complete, or not at all.

    `<id>_<phase>/image.nii.gz` (float32, in the units of the source) and `<id>_<phase>/label.nii.gz`
    (uint8) per synthetic subject and phase, the same of its heart beat in `<id>_cine/`, with what it measures
    in `cine.csv`; `measures.csv`, `figure.png`, `report.html`, `provenance.json`.

    Args:
        out: a folder that does not exist yet or is empty.
        subjects: all synthetic subjects and the source subjects that they were made from, in any order.
        provenance: what they were made from; see `complete_provenance`.

    Raises:
        CmrtfError: `out` exists and is not an empty folder, or cannot be written (no space, no right to).
    """
    with new_folder(out) as folder:
        for subject in subjects:
            if subject.is_synthetic:
                _write_stacks(folder, subject)
        ordered = in_order(subjects)
        beat = next((subject.cine.facts for subject in ordered if subject.cine), {})
        completed = complete_provenance({**provenance, **beat})
        write_measures(folder / "measures.csv", ordered)
        write_cine_measures(folder / "cine.csv", ordered)
        write_figure(folder / "figure.png", ordered)
        write_report(folder / "report.html", ordered, completed)
        write_provenance(folder / "provenance.json", completed, folder)


def _volumes_ml(subject: Subject) -> Volumes:
    """`VOLUMES` centre to centre, NaN where the phase is absent."""
    volumes_ml = np.full((len(PHASES), len(SCHEMA.foreground)), np.nan)
    for phase, stack in subject.stacks.items():
        own = [stack.volume_ml(structure, CENTRE_TO_CENTRE) for structure in SCHEMA.foreground]
        volumes_ml[PHASES.index(phase)] = own
    return volumes_ml.ravel()


def _write_stacks(folder: Path, subject: Subject) -> None:
    for phase, stack in subject.stacks.items():
        write_stack(stack, *_new_files(folder / f"{subject.id}_{phase}"))
    if subject.cine:
        subject.cine.write(*_new_files(folder / f"{subject.id}_cine"))


def _new_files(folder: Path) -> tuple[Path, Path]:
    """Image and labels in a new folder."""
    folder.mkdir()
    return folder / "image.nii.gz", folder / "label.nii.gz"


@dataclass(frozen=True, eq=False)
class SyntheticSubjects(Sequence[Subject]):
    """Synthetic subjects, the source subjects that they were made from, and how they were made.

    Args:
        subjects: the synthetic ones: what indexing, `len` and iteration are about.
        sources: the source subjects, as they are in the data.
        provenance: what all of them were made from, as plain values for JSON.

    Example:
        `subjects = bundle.interpolate(a, b); subjects[3].plot(); subjects.save("out")`
    """

    subjects: Sequence[Subject]
    sources: Sequence[Subject]
    provenance: Mapping[str, Any]

    def save(self, out: Path | str) -> None:
        """Write NIfTI files, `measures.csv`, `figure.png`, `report.html` and `provenance.json`.

        Args:
            out: a folder that does not exist yet or is empty.

        Raises:
            CmrtfError: it is taken, or cannot be written.
        """
        write_outputs(Path(out), [*self.sources, *self.subjects], self.provenance)

    def comparison(self) -> str:
        """What each source measures beside its intrasubject version, as text.

        Volumes are those between the first and the last slice centre, the span that both share.
        """
        sources = {source.name: source for source in self.sources}
        return "\n".join(
            f"{subject.name}, centre to centre:\n"
            + quantities_table(
                {"source": _volumes_ml(sources[subject.name]), "synthetic": _volumes_ml(subject)}
            )
            for subject in self.subjects
            if subject.kind == "intrasubject"
        )

    def __len__(self) -> int:
        return len(self.subjects)

    @overload
    def __getitem__(self, index: int) -> Subject: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Subject]: ...

    def __getitem__(self, index: int | slice) -> Subject | Sequence[Subject]:
        return self.subjects[index]

    def __repr__(self) -> str:
        names = ", ".join(subject.id for subject in self.subjects)
        return f"SyntheticSubjects({len(self)}: {names})"

    def _repr_html_(self) -> str:
        """What a notebook shows: a table of all subjects, the sources among them."""
        rows = [(subject, subject.measures()) for subject in in_order([*self.sources, *self.subjects])]
        return render_template("subjects.html", rows=rows)


@dataclass(frozen=True, eq=False, repr=False)
class RemodelledSubjects(SyntheticSubjects):
    """The steps from a subject to its changed heart.

    Args:
        change: what the heart measures before and after, beside what was wanted.
    """

    change: Remodelled
