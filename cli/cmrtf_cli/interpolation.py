"""What `cmrtf interpolate` and the end of `cmrtf demo` do."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.core.files import require_new_folder
from cmrtf.core.labels import PHASES
from cmrtf.errors import CmrtfError

if TYPE_CHECKING:
    from cmrtf.bundle.models import BundleModels


def interpolate(
    open_models: "Callable[[], BundleModels]",
    data: Path,
    codes: Sequence[str],
    out: Path,
    phase: str,
    slices: int,
    subjects: int,
    exact_ends: bool = False,
    repair: bool = True,
    seed: int = 0,
) -> None:
    """Walk within one subject, or between two, and write all outputs.

    Args:
        open_models: opens a bundle or connects to a server; called when the rest is known to be right.
        data: folder of the prepared cohort that holds the subjects.
        codes: subject A, or A and B.
        out: folder of the outputs.
        phase: `ED`, `ES` or `both` (those that all subjects have).
        slices: of each synthetic stack.
        subjects: between A and B.
        exact_ends: whether walks pass through the true labels.
        repair: whether labels that no heart can have are mended.
        seed: for the record; a walk between posterior means draws nothing.
    """
    from cmrtf.report.outputs import write_outputs
    from cmrtf.synthesis.interpolate import interpolate_subjects

    require_new_folder(out)
    cohort = PreparedCohort.open(data)
    records = [cohort.record(code) for code in codes]
    phases = [p for p in PHASES if phase in (p, "both") and all(p in record.phases for record in records)]
    if not phases:
        having = "; ".join(f"{record.subject} has {', '.join(record.phases)}" for record in records)
        raise CmrtfError(f"{data}: expected phase {phase} of every subject. Received: {having}.")
    models = open_models()
    click.echo(f"Walking {' to '.join(codes)}, {' and '.join(phases)} ...")
    synthetic, references = interpolate_subjects(
        models,
        [(record, cohort.load(record.subject)) for record in records],
        phases,
        slices,
        subjects,
        progress=True,
        exact_ends=exact_ends,
        repaired=repair,
    )
    click.echo(f"Writing {len(synthetic)} stacks of {slices} slices ...")
    provenance = {
        **models.provenance,
        "data_hash": cohort.data_hash,
        "subject_a": codes[0],
        "subject_b": codes[1] if len(codes) == 2 else None,
        "phases": phases,
        "seed": seed,
        "slices": slices,
        "subjects": subjects if len(codes) == 2 else 0,
        "walk": "linear between posterior means; style codes likewise",
        "exact_ends": exact_ends,
        "repaired": repair,
    }
    write_outputs(out, synthetic, references, provenance)
