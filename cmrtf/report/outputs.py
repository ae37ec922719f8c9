"""Everything that `cmrtf interpolate` leaves behind, written as one unit."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cmrtf.core.files import new_folder
from cmrtf.core.labels import SCHEMA, LabelSchema
from cmrtf.core.measures import write_measures
from cmrtf.core.stack_files import write_volumes
from cmrtf.core.subject import ReferenceSubject, SyntheticSubject, in_order
from cmrtf.report.figure import write_figure
from cmrtf.report.html import write_report
from cmrtf.report.provenance import complete_provenance, write_provenance


def write_outputs(
    out: Path,
    subjects: Sequence[SyntheticSubject],
    references: Sequence[ReferenceSubject],
    provenance: Mapping[str, Any],
    schema: LabelSchema = SCHEMA,
) -> None:
    """Write all outputs of a walk; `out` appears when they are complete, or not at all.

    `<folder>/image.nii.gz` (float32, in the units of the source) and `<folder>/label.nii.gz` (uint8)
    per synthetic subject and phase, `measures.csv`, `figure.png`, `report.html`, `provenance.json`.

    Args:
        out: a folder that does not exist yet or is empty.
        subjects: all synthetic subjects in all phases, in any order.
        references: the source stacks of A (weight 0) and, if there is one, B (weight 1), in the same phases.
        provenance: what the subjects were made from; see `complete_provenance`.
        schema: the order of `label_ids`.

    Raises:
        CmrtfError: `out` exists and is not an empty folder, or cannot be written (no space, no right to).
    """
    with new_folder(out) as folder:
        _write_all(folder, subjects, references, provenance, schema)


def _write_all(
    folder: Path,
    subjects: Sequence[SyntheticSubject],
    references: Sequence[ReferenceSubject],
    provenance: Mapping[str, Any],
    schema: LabelSchema,
) -> None:
    for subject in subjects:
        own = folder / subject.folder
        own.mkdir()
        write_volumes(subject, own / "image.nii.gz", own / "label.nii.gz")
    rows = in_order(subjects, references)
    completed = complete_provenance(provenance, schema)
    write_measures(folder / "measures.csv", rows, schema)
    write_figure(folder / "figure.png", rows, schema)
    write_report(folder / "report.html", rows, completed, schema)
    write_provenance(folder / "provenance.json", completed, folder)
