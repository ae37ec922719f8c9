"""Writes a raw data set of nnU-Net v2, or adds to one: each phase is a case.

In a data set that is there, labels have the values that its `dataset.json` says. What was there stays as it
is; `dataset.json` counts the new cases, and `splits_final.json` says who trains and who validates.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from cmrtf.core.files import read_plain_file, real_path, write_json
from cmrtf.core.json_files import LIST_BYTES
from cmrtf.core.labels import PHASES, SCHEMA
from cmrtf.core.nifti import read_nifti, write_nifti
from cmrtf.core.stack import Stack
from cmrtf.core.stack_files import image_on_file, labels_on_file, stack_of_files
from cmrtf.core.subject import Subject
from cmrtf.datasets.base import PROVENANCE_FOLDER, Layout
from cmrtf.datasets.nnunet import (
    DESCRIPTION_NAME,
    FILE_ENDING,
    IMAGES,
    LABELS,
    Description,
    read_description,
    read_entries,
    subject_of,
)
from cmrtf.errors import CmrtfError, FileError

SPLITS_NAME: Final = "splits_final.json"
NUM_FOLDS: Final = 5
"""As many as nnU-Net makes."""


def _write_subject(root: Path, subject: Subject) -> None:
    for folder in (IMAGES, LABELS):
        (root / folder).mkdir(exist_ok=True)
    description = _description(root)
    values = np.zeros(SCHEMA.num_classes, np.uint8)
    values[list(description.label_to_schema.values())] = list(description.label_to_schema)
    for phase, stack in subject.stacks.items():
        image, labels = description.pair(f"{subject.name}_{phase}")
        write_nifti(image, image_on_file(stack), stack.affine)
        write_nifti(labels, values[labels_on_file(stack)], stack.affine)


def _read_subject(root: Path, name: str, window: tuple[float, float]) -> dict[str, Stack]:
    description = _description(root)
    label_ids = np.zeros(max(description.label_to_schema) + 1, np.uint8)
    label_ids[list(description.label_to_schema)] = list(description.label_to_schema.values())
    stacks = {}
    for phase in PHASES:
        image, labels = map(read_nifti, description.pair(f"{name}_{phase}"))
        stacks[phase] = stack_of_files(image.data, label_ids[labels.data], image.affine, window)
    return stacks


def _description(root: Path) -> Description:
    """Of the data set that is there, or of a new one."""
    if (root / DESCRIPTION_NAME).is_file():
        return read_description(root / DESCRIPTION_NAME)
    return Description(root, FILE_ENDING, {label_id: label_id for label_id in range(SCHEMA.num_classes)})


def _check_addable(root: Path, prefix: str) -> None:
    """Check that subjects whose codes begin with a prefix can be told from those of a data set.

    Raises:
        CmrtfError: there is no data set of hearts, it has other labels too, or a case begins so.
    """
    file = root / DESCRIPTION_NAME
    description = read_description(file)
    content = read_entries(file)
    labels = content["labels"]
    values = [value for value in description.label_to_schema if value <= np.iinfo(np.uint8).max]
    if others := [name for name, value in labels.items() if value not in values]:
        raise FileError(
            file,
            f"expected labels of {', '.join(SCHEMA.foreground)} alone, since generated subjects have no "
            f"others and would teach that there are none. Received: {', '.join(others)} too.",
        )
    if not isinstance(content.get("dataset", {}), dict):
        raise FileError(file, "expected files by case under dataset. Received: something else.")
    if (root / SPLITS_NAME).is_file():
        _read_splits(root / SPLITS_NAME)
    if taken := [case for case in _cases(description) if case.startswith(prefix)]:
        raise CmrtfError(
            f"{root}: expected a prefix that no case begins with. Received: {prefix}, as {taken[0]} begins. "
            f"Choose another."
        )


def _complete(root: Path, provenances: Iterable[Mapping[str, Any]]) -> None:
    """Count the cases, and say who validates."""
    file = root / DESCRIPTION_NAME
    description = _description(root)
    values = read_entries(file) if file.is_file() else _new_values(root)
    cases = _cases(description)
    listed = {"dataset": _listed(values["dataset"], description, cases)} if "dataset" in values else {}
    if (completed := {**values, "numTraining": len(cases), **listed}) != values or not file.is_file():
        write_json(file, completed)
    _write_splits(root, cases)


def _new_values(root: Path) -> dict[str, Any]:
    return {
        "name": real_path(root).name,
        "description": "Synthetic short-axis cine MR at end diastole and end systole, made by cmrtf.",
        "channel_names": {"0": "cineMRI"},
        "labels": {structure: SCHEMA.id_of(structure) for structure in SCHEMA.structures},
        "numTraining": 0,
        "file_ending": FILE_ENDING,
    }


def _listed(before: Mapping[str, Any], description: Description, cases: Iterable[str]) -> dict[str, Any]:
    """The files of each case, of a data set that names them: as they are named, and those of new cases."""
    root = description.root
    images_and_labels = {
        case: [path.relative_to(root).as_posix() for path in description.pair(case)] for case in cases
    }
    new = {case: {"images": [image], "label": label} for case, (image, label) in images_and_labels.items()}
    return {**new, **before}


def _cases(description: Description) -> list[str]:
    ending = description.file_ending
    labels = description.root / LABELS
    paths = labels.iterdir() if labels.is_dir() else ()
    return sorted(
        path.name.removesuffix(ending)
        for path in paths
        if path.name.endswith(ending) and not path.name.startswith(".")
    )


def _write_splits(root: Path, cases: Iterable[str]) -> None:
    """Say who trains and who validates, in nnU-Net's own form.

    ED and ES of a subject stay together, generated subjects train in all folds, and validation is on the
    others, each in one fold. Folds that are there already stay, and get the new cases to train on.
    """
    file = root / SPLITS_NAME
    generated = {path.stem for path in (root / PROVENANCE_FOLDER).rglob("*.json")}
    if file.is_file():
        new = [case for case in cases if subject_of(case) in generated]
        before = _read_splits(file)
        splits = [
            fold | {"train": [*fold["train"], *(case for case in new if case not in fold["train"])]}
            for fold in before
        ]
    else:
        before = []
        folds = _folds(case for case in cases if subject_of(case) not in generated)
        splits = [
            {"train": [case for case in cases if case not in validation], "val": validation}
            for validation in folds
        ]
    if splits != before:
        write_json(file, splits)


def _read_splits(file: Path) -> list[dict[str, list[str]]]:
    try:
        splits = json.loads(read_plain_file(file, "who trains and who validates", LIST_BYTES))
        if all(isinstance(fold["train"], list) and isinstance(fold["val"], list) for fold in splits):
            return splits
        received = "something else"
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        received = repr(error)
    raise FileError(file, f'expected a list of folds, each with "train" and "val". Received: {received}.')


def _folds(cases: Iterable[str]) -> list[list[str]]:
    """Cases to validate on, by fold; none where there are fewer than two subjects."""
    by_subject: dict[str, list[str]] = {}
    for case in cases:
        by_subject.setdefault(subject_of(case), []).append(case)
    num_folds = min(NUM_FOLDS, len(by_subject))
    subjects = sorted(by_subject)
    if num_folds < 2:
        return []
    return [
        sorted(case for subject in subjects[fold::num_folds] for case in by_subject[subject])
        for fold in range(num_folds)
    ]


LAYOUT = Layout(
    "nnunet",
    _write_subject,
    _read_subject,
    _complete,
    r"Dataset\d{3}_.+",
    "Dataset501_Hearts",
    check_addable=_check_addable,
)
