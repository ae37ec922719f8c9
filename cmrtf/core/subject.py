"""A subject: its stacks by phase, and what is known of whom they show."""

import html
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from cmrtf.core.cine import Cine
from cmrtf.core.labels import PHASES
from cmrtf.core.measures import Measures, measure
from cmrtf.core.stack import SLICE_SUMMATION, Stack
from cmrtf.errors import CmrtfError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Kind = Literal["source", "intrasubject", "intersubject", "remodelled", "generated"]
"""How a subject came to be: a source is as it is in the data, all others are synthetic."""

NAME: Final = re.compile(r"[^/\x00-\x1f\x7f]{1,255}")
"""Files are named after a subject: its name leads to no other folder and has no control characters."""

ID_PREFIXES: Final[Mapping[str, str]] = {"source": "source_", "intrasubject": "intra_"}


@dataclass(frozen=True, eq=False)
class Subject:
    """One subject with all its phases.

    Args:
        name: the code of a source and of its intrasubject version; what others are called, such as
            `"inter_04"` or `"SYN00001"`. Without slashes and control characters.
        kind: how it came to be.
        stacks: by phase, `"ED"`, `"ES"` or both.
        vendor: `"A"` to `"D"`, or `""` when unknown.
        centre: number or abbreviation, or `""` when unknown.
        pathology: `"NOR"`, `"DCM"`, ..., or `""` when unknown.
        weight: place between subject A (0) and B (1) of an interpolation, or between no change (0) and the
            whole of it (1).
        origin: how a synthetic subject was made, as plain values for JSON.
        cine: a whole heart beat, of which `stacks` are end diastole and end systole; None for those alone.

    Raises:
        CmrtfError: name, kind or stacks are none, a fact is no text, or the beat is not of the stacks.

    Example:
        `subject = cmrtf.open_cohort("prepared")["A0S9V9"]; subject.ed.volume_ml("LV")`
    """

    name: str
    kind: Kind
    stacks: Mapping[str, Stack]
    vendor: str = ""
    centre: str = ""
    pathology: str = ""
    weight: float = 0.0
    origin: Mapping[str, Any] = field(default_factory=dict)
    cine: Cine | None = None

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and NAME.fullmatch(self.name)):
            raise CmrtfError(
                "name: expected text of 1 to 255 characters, without slashes and control characters. "
                f"Received: {self.name!r}."
            )
        if not (isinstance(self.kind, str) and self.kind in get_args(Kind)):
            raise CmrtfError(f"kind: expected one of {', '.join(get_args(Kind))}. Received: {self.kind!r}.")
        for fact in ("vendor", "centre", "pathology"):
            if not isinstance(getattr(self, fact), str):
                raise CmrtfError(f"{fact}: expected text. Received: {getattr(self, fact)!r}.")
        object.__setattr__(self, "stacks", _checked_stacks(self.stacks))  # frozen
        if self.cine is not None and not (
            isinstance(self.cine, Cine) and all(self.cine.stacks[p] is self.stacks.get(p) for p in PHASES)
        ):
            raise CmrtfError(f"cine: expected one of the subject's ED and ES. Received: {self.cine!r}.")

    @property
    def id(self) -> str:
        """Tells subjects of one set of outputs apart: `source_<A>`, `intra_<A>`, else the name."""
        return ID_PREFIXES.get(self.kind, "") + self.name

    @property
    def is_synthetic(self) -> bool:
        """Whether it was made, not scanned."""
        return self.kind != "source"

    @property
    def phases(self) -> tuple[str, ...]:
        """Those of `"ED"` and `"ES"` that it has."""
        return tuple(self.stacks)

    @property
    def ed(self) -> Stack:
        """The stack at end-diastole; KeyError if there is none."""
        return self.stacks["ED"]

    @property
    def es(self) -> Stack:
        """The stack at end-systole; KeyError if there is none."""
        return self.stacks["ES"]

    @property
    def description(self) -> str:
        """Vendor and pathology in words, as far as they are known."""
        vendor = f"vendor {self.vendor}" if self.vendor else ""
        return ", ".join(part for part in (vendor, self.pathology) if part)

    def measures(self, method: str = SLICE_SUMMATION) -> Measures:
        """Volumes, ejection fractions and masses, by the names in `cmrtf.core.measures.MEASURES`.

        Args:
            method: `SLICE_SUMMATION` or `CENTRE_TO_CENTRE`.
        """
        return measure(self.stacks, method)

    def with_stacks(self, stacks: Mapping[str, Stack]) -> "Subject":
        """The same subject with other stacks, and without a beat.

        Raises:
            CmrtfError: they are not stacks by phase.
        """
        return replace(self, stacks=stacks, cine=None)

    def plot(self) -> "Figure":
        """All slices with the contours of their labels, a row per phase."""
        from cmrtf.core.display import plot_stacks

        return plot_stacks(self.stacks, ", ".join(part for part in (self.id, self.description) if part))

    def save(self, folder: Path | str) -> None:
        """Write `<phase>_image.nii.gz` and `<phase>_label.nii.gz`, in the units and the place of the source.

        A beat is written as `cine_image.nii.gz` and `cine_label.nii.gz`.

        Args:
            folder: where they go; made if need be.

        Raises:
            CmrtfError: there is such a file, or it cannot be written.
        """
        from cmrtf.core.files import require_new_file, writing_to
        from cmrtf.core.stack_files import write_stack

        folder = Path(folder)
        files = {
            phase: (folder / f"{phase}_image.nii.gz", folder / f"{phase}_label.nii.gz")
            for phase in (*self.phases, *(["cine"] if self.cine else []))
        }
        with writing_to(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for file in itertools.chain.from_iterable(files.values()):
                require_new_file(file)
            for phase, stack in self.stacks.items():
                write_stack(stack, *files[phase])
            if self.cine:
                self.cine.write(*files["cine"])

    def __repr__(self) -> str:
        stacks = ", ".join(f"{phase} {stack.num_slices} slices" for phase, stack in self.stacks.items())
        return f"Subject({self.name}, {self.kind}: {stacks})"

    def _repr_html_(self) -> str:
        """What a notebook shows: its picture above its measures."""
        from cmrtf.core.display import figure_as_html

        title = f"<b>{html.escape(self.name)}</b> ({self.kind}) {html.escape(self.description)}"
        measures = [f"{name} {value:.1f}" for name, value in self.measures().items() if value is not None]
        return f"<div>{title}<br>{figure_as_html(self.plot())}<br><small>{', '.join(measures)}</small></div>"


def _checked_stacks(stacks: Any) -> dict[str, Stack]:
    """Stacks by phase, ED before ES."""
    is_mapping = isinstance(stacks, Mapping)
    if not (is_mapping and stacks and all(phase in PHASES for phase in stacks)):
        received = f"the phases {list(stacks)}" if is_mapping else repr(stacks)
        raise CmrtfError(f"stacks: expected one by phase, of {' or '.join(PHASES)}. Received: {received}.")
    for phase, stack in stacks.items():
        if not isinstance(stack, Stack):
            raise CmrtfError(f"stacks: expected a Stack at {phase}. Received: {stack!r}.")
    return {phase: stacks[phase] for phase in PHASES if phase in stacks}


def require_sources(*subjects: Subject) -> None:
    """Refuse what is no subject, or a synthetic one: names, places and reports are those of patients.

    Raises:
        CmrtfError: one is none or synthetic, or two have one name.
    """
    for subject in subjects:
        if not isinstance(subject, Subject):
            raise CmrtfError(f"expected a subject, such as cohort[{subject!r}]. Received: {subject!r}.")
        if subject.is_synthetic:
            raise CmrtfError(
                f"subject {subject.name}: expected one of a cohort or of read_subject. Received: a synthetic "
                f"one ({subject.kind})."
            )
    names = [subject.name for subject in subjects]
    if len(set(names)) < len(names):
        raise CmrtfError(f"expected two subjects. Received: {names[0]} twice.")


def phases_of(subjects: Sequence[Subject]) -> list[str]:
    """Phases that any of the subjects has, ED before ES."""
    return sorted({phase for subject in subjects for phase in subject.stacks})
