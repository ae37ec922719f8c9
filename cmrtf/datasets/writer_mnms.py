"""Writes the layout of M&Ms, as `reader_mnms` reads it."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.nifti import write_nifti

CSV_NAME = "211230_M&Ms_Dataset_information_diagnosis_opendataset.csv"
"""File name of the M&Ms table that has the diagnoses."""

CSV_COLUMNS = (
    "",
    "External code",
    "VendorName",
    "Vendor",
    "Centre",
    "ED",
    "ES",
    "Age",
    "Pathology",
    "Sex",
    "Height",
    "Weight",
)
"""Its columns; the first, unnamed one is a running number."""


def subject_files(root: Path, code: str) -> tuple[Path, Path]:
    """Image and labels of a subject: `root/<CODE>/<CODE>_sa.nii.gz` and `_sa_gt.nii.gz`."""
    return root / code / f"{code}_sa.nii.gz", root / code / f"{code}_sa_gt.nii.gz"


def write_subject(
    root: Path,
    code: str,
    image: NDArray[Any],
    label_ids: NDArray[np.uint8],
    affine: NDArray[np.float64],
    frame_s: float,
) -> None:
    """Write both files of a subject.

    Args:
        root: folder of the cohort.
        code: of the subject.
        image: `(x, y, z, t)`.
        label_ids: `(x, y, z, t)` in the project's order, which is that of M&Ms.
        affine: of both, `(4, 4)`, voxel index to scanner millimetres.
        frame_s: time from frame to frame.
    """
    (root / code).mkdir(exist_ok=True)
    for path, data in zip(subject_files(root, code), (image, label_ids), strict=True):
        write_nifti(path, data, affine, frame_s)


def write_table(root: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write the CSV.

    Args:
        root: folder of the cohort.
        rows: by `CSV_COLUMNS` but for the running number; what is missing stays blank.
    """
    with (root / CSV_NAME).open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, CSV_COLUMNS)
        table.writeheader()
        for index, row in enumerate(rows):
            table.writerow({"": index, **row})
