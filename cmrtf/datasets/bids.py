"""BIDS 1.10, as a derivative: written only.

BIDS has no cardiac suffixes. Balanced SSFP weighs by T2 over T1, so images are `T2w`, the closest there is;
phases are descriptions (`desc-ED`), and labels discrete segmentations (`dseg`) with their table.
"""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cmrtf.core.files import new_file, write_json, write_text
from cmrtf.core.labels import LABEL_COLOURS, PHASES, SCHEMA
from cmrtf.core.measures import MEASURES
from cmrtf.core.stack import Stack
from cmrtf.core.stack_files import read_stack, write_stack
from cmrtf.core.subject import Subject
from cmrtf.core.text import cells
from cmrtf.datasets.base import PROVENANCE_FOLDER, Layout
from cmrtf.version import __version__

BIDS_VERSION = "1.10.0"
DESCRIPTION = "Synthetic short-axis cine MR of the heart at end diastole and end systole"

COLUMNS: dict[str, dict[str, str]] = {
    "vendor": {"Description": "Scanner vendor whose images these look like, by the letters of M&Ms"},
    "centre": {"Description": "Centre whose images these look like, if that was asked for"},
    "pathology": {"Description": "Whose hearts the heart was drawn from"},
    **{
        name: {
            "Description": f"{name.rsplit('_', 1)[0].replace('_', ' ')} of the labels, by slice summation",
            "Units": name.rsplit("_", 1)[1].replace("ml", "mL").replace("percent", "%"),
        }
        for name in MEASURES
    },
}
"""Of `participants.tsv`, after the participant's name."""


def _write_subject(root: Path, subject: Subject) -> None:
    for phase, stack in subject.stacks.items():
        image, labels = _files(root, subject.name, phase)
        image.parent.mkdir(parents=True, exist_ok=True)
        write_stack(stack, image, labels)
        write_json(_sidecar(image), {"Description": f"Synthetic, {phase}", "SkullStripped": False})
        write_json(_sidecar(labels), {"Description": f"What was painted, {phase}", "Manual": False})


def _read_subject(root: Path, name: str, window: tuple[float, float]) -> dict[str, Stack]:
    return {phase: read_stack(*_files(root, name, phase), window) for phase in PHASES}


def _files(root: Path, name: str, phase: str) -> tuple[Path, Path]:
    """Image and labels."""
    folder, stem = root / f"sub-{name}" / "anat", f"sub-{name}_desc-{phase}"
    return folder / f"{stem}_T2w.nii.gz", folder / f"{stem}_dseg.nii.gz"


def _sidecar(volume: Path) -> Path:
    return volume.with_name(volume.name.replace(".nii.gz", ".json"))


def _complete(root: Path, provenances: Iterable[Mapping[str, Any]]) -> None:
    write_text(root / ".bidsignore", f"{PROVENANCE_FOLDER}\n")
    write_text(
        root / "README.md",
        f"{DESCRIPTION}, made by cmrtf {__version__}. No patient looks like this.\n\n"
        f"How each subject was made stands in `{PROVENANCE_FOLDER}/`. For research, not for diagnosis.\n",
    )
    _write_label_table(root / "dseg.tsv")
    _write_participants(root / "participants.tsv", provenances)
    write_json(root / "participants.json", COLUMNS)
    write_json(
        root / "dataset_description.json",
        {
            "Name": DESCRIPTION,
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "derivative",
            "GeneratedBy": [{"Name": "cmrtf", "Version": __version__, "Description": "cmrtf generate"}],
        },
    )


def _write_label_table(path: Path) -> None:
    rows = [
        (label_id, structure, "#{:02x}{:02x}{:02x}".format(*LABEL_COLOURS[label_id]))
        for label_id, structure in enumerate(SCHEMA.structures)
    ]
    _write_tsv(path, [("index", "name", "color"), *rows])


def _write_participants(path: Path, provenances: Iterable[Mapping[str, Any]]) -> None:
    rows = (
        (
            f"sub-{subject['subject']}",
            subject["vendor"] or "n/a",
            subject["centre"] or "n/a",
            subject["pathology"] or "n/a",
            *(f"{subject['measures'][name]:.2f}" for name in MEASURES),
        )
        for subject in provenances
    )
    _write_tsv(path, [("participant_id", *COLUMNS), *rows])


def _write_tsv(path: Path, rows: Iterable[Iterable[Any]]) -> None:
    with new_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, delimiter="\t", lineterminator="\n").writerows(map(cells, rows))


LAYOUT = Layout("bids", _write_subject, _read_subject, _complete)
