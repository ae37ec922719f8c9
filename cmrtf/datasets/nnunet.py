"""A raw data set of nnU-Net v2: what its `dataset.json` says."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cmrtf.core.labels import SCHEMA
from cmrtf.errors import FileError

DESCRIPTION_NAME: Final = "dataset.json"
IMAGES, LABELS = "imagesTr", "labelsTr"
CHANNEL: Final = "_0000"
FILE_ENDING: Final = ".nii.gz"

CASE = re.compile(r"(?P<subject>.+)[_-](?P<word>ED|ES|frame\d{1,4})", re.IGNORECASE)

STRUCTURE_NAMES: Final = {
    "LV": ("lv", "lvc", "lvbp", "lvcavity", "lvbloodpool", "leftventricle", "leftventricularcavity"),
    "MYO": ("myo", "mlv", "lvm", "lvmyo", "myocardium", "lvmyocardium", "leftventricularmyocardium"),
    "RV": ("rv", "rvc", "rvbp", "rvcavity", "rvbloodpool", "rightventricle", "rightventricularcavity"),
}
"""What data sets call the structures, in small letters alone."""


@dataclass(frozen=True)
class Description:
    """What a `dataset.json` says, checked.

    Args:
        root: the data set's folder.
        file_ending: of images and labels.
        label_to_schema: label value in the files to label id in `SCHEMA`.
    """

    root: Path
    file_ending: str
    label_to_schema: dict[int, int]

    def pair(self, case: str) -> tuple[Path, Path]:
        """Image and label of a case."""
        return (
            self.root / IMAGES / f"{case}{CHANNEL}{self.file_ending}",
            self.root / LABELS / f"{case}{self.file_ending}",
        )


def subject_of(case: str) -> str:
    """The subject of a case; a name that says no phase is the subject's."""
    match = CASE.fullmatch(case)
    return match["subject"] if match else case


def read_description(path: Path) -> Description:
    """Read and check a `dataset.json`.

    Raises:
        FileError: what is missing or wrong, and what was expected.
    """
    expected = "the description of a data set of nnU-Net"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FileError(path, f"expected {expected}. Received: {error}.") from error
    if not isinstance(values, dict):
        raise FileError(path, f"expected {expected}. Received: JSON of another kind.")
    channels = values.get("channel_names")
    if not isinstance(channels, dict) or list(channels) != ["0"]:
        received = f"{len(channels)} of them" if isinstance(channels, dict) else "none"
        raise FileError(path, f'expected channel_names of one channel, "0". Received: {received}.')
    ending = values.get("file_ending", FILE_ENDING)
    if ending not in (".nii.gz", ".nii"):
        raise FileError(path, f"expected file_ending .nii.gz or .nii. Received: {ending!s:.20}.")
    return Description(path.parent, ending, _label_to_schema(path, values.get("labels")))


def _label_to_schema(path: Path, labels: Any) -> dict[int, int]:
    """Label value to label id, by the names of the labels."""
    values: dict[str, Any] = {}
    for key, value in labels.items() if isinstance(labels, dict) else ():
        values.setdefault(re.sub(r"[^a-z]", "", key.lower()), value)
    numbers: list[Any] = [
        next((values[name] for name in STRUCTURE_NAMES[structure] if name in values), None)
        for structure in SCHEMA.foreground
    ]
    is_number = [type(number) is int and 0 < number < 2**8 for number in numbers]
    if not all(is_number) or len(set(numbers)) < len(numbers):
        raise FileError(
            path,
            f"expected labels with a number for each of {', '.join(SCHEMA.foreground)}. "
            f"Received: {labels!s:.200}.",
        )
    return {0: 0} | {number: label_id for label_id, number in enumerate(numbers, start=1)}
