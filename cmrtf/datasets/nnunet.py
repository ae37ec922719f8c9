"""A raw data set of nnU-Net v2: written only. Each phase is a case."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cmrtf.core.files import write_json
from cmrtf.core.labels import PHASES, SCHEMA
from cmrtf.core.stack import Stack
from cmrtf.core.stack_files import read_stack, write_stack
from cmrtf.core.subject import Subject
from cmrtf.datasets.base import Layout

IMAGES, LABELS = "imagesTr", "labelsTr"
FILE_ENDING = ".nii.gz"


def _write_subject(root: Path, subject: Subject) -> None:
    for folder in (IMAGES, LABELS):
        (root / folder).mkdir(exist_ok=True)
    for phase, stack in subject.stacks.items():
        write_stack(stack, *_files(root, subject.name, phase))


def _read_subject(root: Path, name: str, window: tuple[float, float]) -> dict[str, Stack]:
    return {phase: read_stack(*_files(root, name, phase), window) for phase in PHASES}


def _files(root: Path, name: str, phase: str) -> tuple[Path, Path]:
    """Image and labels."""
    case = f"{name}_{phase}"
    return root / IMAGES / f"{case}_0000{FILE_ENDING}", root / LABELS / f"{case}{FILE_ENDING}"


def _complete(root: Path, provenances: Iterable[Mapping[str, Any]]) -> None:
    write_json(
        root / "dataset.json",
        {
            "name": root.resolve().name,
            "description": "Synthetic short-axis cine MR at end diastole and end systole, made by cmrtf.",
            "channel_names": {"0": "cineMRI"},
            "labels": {structure: SCHEMA.id_of(structure) for structure in SCHEMA.structures},
            "numTraining": sum(len(subject["phases"]) for subject in provenances),
            "file_ending": FILE_ENDING,
        },
    )


LAYOUT = Layout("nnunet", _write_subject, _read_subject, _complete, r"Dataset\d{3}_.+", "Dataset501_Hearts")
