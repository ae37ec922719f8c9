"""Generated subjects as a raw data set of nnU-Net v2: each phase is a case."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cmrtf.data.schema import SCHEMA
from cmrtf.folders import write_json
from cmrtf.synthesis.cohort_format import CohortFormat
from cmrtf.synthesis.generation import GeneratedSubject
from cmrtf.synthesis.volumes import write_volumes

IMAGES, LABELS = "imagesTr", "labelsTr"
FILE_ENDING = ".nii.gz"


def _write_subject(root: Path, subject: GeneratedSubject) -> None:
    images, labels = root / IMAGES, root / LABELS
    images.mkdir(exist_ok=True)
    labels.mkdir(exist_ok=True)
    for phase, stack in subject.stacks.items():
        case = f"{subject.name}_{phase}"
        write_volumes(stack, images / f"{case}_0000{FILE_ENDING}", labels / f"{case}{FILE_ENDING}")


def _complete(root: Path, subjects: Iterable[Mapping[str, Any]]) -> None:
    write_json(
        root / "dataset.json",
        {
            "name": root.resolve().name,
            "description": "Synthetic short-axis cine MR at end diastole and end systole, made by cmrtf.",
            "channel_names": {"0": "cineMRI"},
            "labels": {structure: SCHEMA.id_of(structure) for structure in SCHEMA.structures},
            "numTraining": sum(len(subject["phases"]) for subject in subjects),
            "file_ending": FILE_ENDING,
        },
    )


FORMAT = CohortFormat("nnunet", _write_subject, _complete, r"Dataset\d{3}_.+", "Dataset501_Hearts")
