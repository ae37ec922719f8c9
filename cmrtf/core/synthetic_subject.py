"""What a walk produces, and the source stacks it started from: the input of all writers.

Each object is one subject in one phase. `in_order` groups them into one row per subject, from A to
B, which is the order of `measures.csv`, of the figure and of the report.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LabelledStack:
    """An image and its labels, slices first, slice 0 = apex.

    Args:
        name: of the subject, without the phase.
        phase: `"ED"` or `"ES"`.
        weight: place on the walk, 0 at subject A and 1 at subject B.
        label_ids: `(slices, height, width)` uint8 in the order of the schema.
        image: `(slices, height, width)` float in [-1, 1].
        affine: `(4, 4)`, voxel index `(x, y, z)` to scanner millimetres (RAS+). The NIfTI array of a
            stack `a` is `a.transpose(2, 1, 0)`.
    """

    name: str
    phase: str
    weight: float
    label_ids: NDArray[np.uint8]
    image: NDArray[Any]
    affine: NDArray[np.float64]

    @property
    def num_slices(self) -> int:
        """Number of slices."""
        return int(self.label_ids.shape[0])

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of one voxel (the determinant, so shear counts)."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel size along x, y and z (z is the distance between slice centres)."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(x), float(y), float(z)


@dataclass(frozen=True)
class SyntheticSubject(LabelledStack):
    """A generated subject in one phase; `name` is `intra_<A>`, `intra_<B>` or `inter_<k>`.

    Args:
        intensity_window: `(low, high)` in the units of the source; an image value v in [-1, 1] is
            written as `low + (v + 1) / 2 * (high - low)`.
    """

    intensity_window: tuple[float, float]

    @property
    def folder(self) -> str:
        """Name of the folder that holds its two NIfTI files."""
        return f"{self.name}_{self.phase}"


@dataclass(frozen=True)
class ReferenceSubject(LabelledStack):
    """The prepared stack of subject A or B in one phase with its own slices; `name` is its code.

    Args:
        vendor: scanner vendor, empty if unknown.
        pathology: diagnosis, empty if unknown.
    """

    vendor: str = ""
    pathology: str = ""


@dataclass(frozen=True)
class SubjectRow:
    """One subject with all its phases.

    Args:
        name: `source_<A>`, `intra_<A>`, `inter_<k>`, `intra_<B>`, `source_<B>`.
        kind: `"source"` (not generated), `"intrasubject"` or `"intersubject"`.
        weight: place on the walk, 0 at A and 1 at B.
        description: vendor and diagnosis of a source subject, otherwise empty.
        stacks: by phase.
    """

    name: str
    kind: str
    weight: float
    description: str = ""
    stacks: dict[str, LabelledStack] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The subject's own code, for source and intrasubject rows; else the name."""
        return self.name.removeprefix("source_").removeprefix("intra_")


def in_order(
    subjects: Sequence[SyntheticSubject], references: Sequence[ReferenceSubject]
) -> list[SubjectRow]:
    """One row per subject: source A, intra A, the intermediates from A to B, intra B, source B."""
    rows = [_row_of(stack) for stack in (*references, *subjects)]
    merged: dict[str, SubjectRow] = {}
    for row in rows:
        merged.setdefault(row.name, row).stacks.update(row.stacks)
    return sorted(merged.values(), key=lambda row: (row.weight, _rank_at_equal_weight(row)))


def phases_of(rows: Sequence[SubjectRow]) -> list[str]:
    """Phases that any row has, ED before ES."""
    return sorted({phase for row in rows for phase in row.stacks})


def _row_of(stack: LabelledStack) -> SubjectRow:
    stacks = {stack.phase: stack}
    if isinstance(stack, ReferenceSubject):
        vendor = f"vendor {stack.vendor}" if stack.vendor else ""
        description = ", ".join(part for part in (vendor, stack.pathology) if part)
        return SubjectRow(f"source_{stack.name}", "source", stack.weight, description, stacks)
    kind = "intrasubject" if stack.name.startswith("intra_") else "intersubject"
    return SubjectRow(stack.name, kind, stack.weight, "", stacks)


def _rank_at_equal_weight(row: SubjectRow) -> float:
    """The source subjects stand outside their synthetic versions, at both ends of the walk."""
    outward = 1.0 if row.weight >= 0.5 else -1.0
    return outward * {"source": 2.0, "intrasubject": 1.0, "intersubject": 0.0}[row.kind]
