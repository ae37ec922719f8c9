"""Generated subjects in the layout of M&Ms: ED is frame 0 and ES is frame 1 of a cine of two."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cmrtf.core.labels import PHASES
from cmrtf.core.nifti import read_nifti
from cmrtf.core.stack_files import image_on_file, labels_on_file, stack_of_file
from cmrtf.core.subject import LabelledStack
from cmrtf.datasets import writer_mnms
from cmrtf.datasets.cohort_format import CohortFormat
from cmrtf.synthesis.generate import GeneratedSubject

FRAME_S = 0.3
"""From ED to ES, about."""

VENDOR_NAMES = {"A": "Siemens", "B": "Philips", "C": "GE", "D": "Canon"}


def _write_subject(root: Path, subject: GeneratedSubject) -> None:
    phases = [subject.stacks[phase] for phase in PHASES]
    writer_mnms.write_subject(
        root,
        subject.name,
        np.stack([image_on_file(stack) for stack in phases], axis=-1),
        np.stack([labels_on_file(stack) for stack in phases], axis=-1),
        phases[0].affine,
        FRAME_S,
    )


def _read_subject(root: Path, name: str, window: tuple[float, float]) -> dict[str, LabelledStack]:
    image, labels = (read_nifti(path) for path in writer_mnms.subject_files(root, name))
    return {
        phase: stack_of_file(name, phase, image.data[..., t], labels.data[..., t], image.affine, window)
        for t, phase in enumerate(PHASES)
    }


def _complete(root: Path, subjects: Iterable[Mapping[str, Any]]) -> None:
    writer_mnms.write_table(
        root,
        (
            {
                "External code": subject["subject"],
                "VendorName": VENDOR_NAMES.get(subject["vendor"], ""),
                "Vendor": subject["vendor"],
                "Centre": subject["centre"],
                "ED": PHASES.index("ED"),
                "ES": PHASES.index("ES"),
                "Pathology": subject["pathology"],
            }
            for subject in subjects
        ),
    )


FORMAT = CohortFormat("mnms", _write_subject, _read_subject, _complete)
