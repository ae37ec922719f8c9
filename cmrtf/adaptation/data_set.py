"""A raw data set of nnU-Net: labelled patients as they are, and in appearances of another scanner."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from cmrtf.core.files import new_folder, write_json
from cmrtf.core.subject import Subject
from cmrtf.datasets.layouts import LAYOUTS
from cmrtf.datasets.nnunet_writing import NUM_FOLDS, SPLITS_NAME

COPY: Final = "_as_"
"""Between a patient's code and the number of a copy."""


def write_adapted_set(
    out: Path, patients: Sequence[Subject], copies: Mapping[str, Sequence[Subject]]
) -> None:
    """Write patients and their copies, and who validates: whole patients, as they are.

    No fold trains on a copy of a patient whom it validates on: its labels are the patient's.

    Args:
        out: a folder that does not exist yet or is empty, named as nnU-Net wants it.
        patients: with their own images.
        copies: by patient, with the same labels.

    Raises:
        CmrtfError: the folder is taken or cannot be written.
    """
    layout = LAYOUTS["nnunet"]
    cases: dict[str, list[str]] = {}
    with new_folder(out) as folder:
        for patient in patients:
            own = [
                patient,
                *(
                    replace(copy, name=f"{patient.name}{COPY}{number}")
                    for number, copy in enumerate(copies[patient.name], start=1)
                ),
            ]
            for subject in own:
                layout.write_subject(folder, subject)
            cases[patient.name] = [f"{subject.name}_{phase}" for subject in own for phase in subject.phases]
        layout.complete(folder, ())
        write_json(folder / SPLITS_NAME, _splits(cases))


def _splits(cases: Mapping[str, Sequence[str]]) -> list[dict[str, list[str]]]:
    """Folds in nnU-Net's own form; cases by patient."""
    num_folds = min(NUM_FOLDS, len(cases))
    folds = []
    for fold in range(num_folds if num_folds > 1 else 0):
        validating = sorted(cases)[fold::num_folds]
        folds.append(
            {
                "train": [
                    case for patient in sorted(cases.keys() - {*validating}) for case in cases[patient]
                ],
                "val": [case for patient in validating for case in cases[patient] if COPY not in case],
            }
        )
    return folds
