"""Reads a raw data set of nnU-Net v2, and what v1 has in common with it.

`dataset.json` says which channels, labels and file ending there are; `imagesTr/<CASE>_0000.nii.gz` and
`labelsTr/<CASE>.nii.gz` are a pair. A case is one phase of a subject, as its name says: `<SUBJECT>_ED` and
`<SUBJECT>_ES`, or `<SUBJECT>_frameNN`, as nnU-Net's own conversions of ACDC and M&Ms have it; of two frames
the one with the larger LV is ED. Label values go by their names. Vendors are unknown.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cmrtf.core.files import is_file, read_plain_file
from cmrtf.core.issues import ERROR, WARNING, Issue, listed
from cmrtf.core.labels import PHASES, SCHEMA
from cmrtf.datasets.base import PhaseFiles, RawCohort, RawSubject, Reader, SkippedSubject, gather
from cmrtf.datasets.phases import lv_sizes
from cmrtf.datasets.raw_files import VOLUME_SUFFIXES, require_partner, visible_files
from cmrtf.errors import CmrtfError, FileError

NAME: Final = "nnunet"
DESCRIPTION_NAME: Final = "dataset.json"
IMAGES, LABELS, TEST_IMAGES = "imagesTr", "labelsTr", "imagesTs"
CHANNEL: Final = "_0000"
FILE_ENDING: Final = ".nii.gz"

MAX_DESCRIPTION_BYTES: Final = 2**24
"""That of v1 lists its cases."""

CASE = re.compile(r"(?P<subject>.+)[_-](?P<word>ED|ES|frame\d{1,4})", re.IGNORECASE | re.DOTALL)

SHORT_NUMBER = re.compile(r"\d{1,9}")

STRUCTURE_NAMES: Final = {
    "LV": ("lv", "lvc", "lvbp", "lvcavity", "lvbloodpool", "leftventricle", "leftventricularcavity"),
    "MYO": ("myo", "mlv", "lvm", "lvmyo", "myocardium", "lvmyocardium", "leftventricularmyocardium"),
    "RV": ("rv", "rvc", "rvbp", "rvcavity", "rvbloodpool", "rightventricle", "rightventricularcavity"),
}
"""What data sets call the structures, in small letters alone."""

DOUBTFUL_SHARE: Final = 0.9
"""LV of the smaller frame over that of the larger: beyond it, which is ED may be an error of contours."""


@dataclass(frozen=True)
class Description:
    """What a `dataset.json` says, checked.

    Args:
        root: the data set's folder.
        file_ending: of images and labels.
        label_to_schema: label value in the files to label id in `SCHEMA`.
        num_cases: how many labelled cases there should be, None where it does not say.
    """

    root: Path
    file_ending: str
    label_to_schema: dict[int, int]
    num_cases: int | None = None

    def pair(self, case: str) -> tuple[Path, Path]:
        """Image and label of a case."""
        return (
            self.root / IMAGES / f"{case}{CHANNEL}{self.file_ending}",
            self.root / LABELS / f"{case}{self.file_ending}",
        )


def subject_of(case: str) -> str:
    """The subject of a case; a name that says no phase is the subject's."""
    return _parts(case)[0]


def read(root: Path) -> RawCohort:
    """All labelled cases of the data set in or right below a folder, by subject.

    Raises:
        CmrtfError: there are several data sets, the description is none, or it counts more cases than are
            there.
    """
    folders = _folders(root)
    if len(folders) != 1:
        names = listed([folder.name for folder in folders]) or "none"
        raise CmrtfError(f"{root}: expected one data set of nnU-Net. Received: {names}.")
    description = read_description(folders[0] / DESCRIPTION_NAME)
    ending = description.file_ending
    cases, strangers = set[str](), list[Issue]()
    for folder, end in ((IMAGES, f"{CHANNEL}{ending}"), (LABELS, ending)):
        for path in visible_files(folders[0] / folder):
            if path.name.endswith(end):
                cases.add(path.name.removesuffix(end))
            elif path.name.endswith(VOLUME_SUFFIXES):
                problem = (
                    f"expected a name that ends in {end}, as {DESCRIPTION_NAME} says. Received: another."
                )
                strangers.append(Issue(ERROR, path, problem, path.name.partition(".")[0]))
    if description.num_cases is not None and len(cases) + len(strangers) < description.num_cases:
        raise FileError(
            folders[0] / DESCRIPTION_NAME,
            f"expected the {description.num_cases} cases of its numTraining. Received: {len(cases)}, as if "
            f"files were missing. Correct the number where they are meant to be.",
        )
    subjects: dict[str, dict[str, str]] = {}
    for case in sorted(cases):
        subject, word = _parts(case)
        subjects.setdefault(subject, {})[word] = case
    test = {
        subject_of(path.name.removesuffix(f"{CHANNEL}{ending}"))
        for path in visible_files(folders[0] / TEST_IMAGES)
        if path.name.endswith(f"{CHANNEL}{ending}")
    }

    def read_one(subject: str, cases: Mapping[str, str]) -> RawSubject | SkippedSubject:
        return _read_one(description, subject, cases)

    cohort = gather(NAME, sorted(subjects.items()), read_one)
    skipped = [
        SkippedSubject(subject, "test part of the data set") for subject in sorted(test - set(subjects))
    ]
    return RawCohort(NAME, cohort.subjects, (*cohort.skipped, *skipped), (*cohort.problems, *strangers))


def recognises(root: Path) -> bool:
    """Whether there is a data set of nnU-Net in or right below a folder."""
    return bool(_folders(root))


READER = Reader(NAME, f"{DESCRIPTION_NAME} with {IMAGES} and {LABELS}", recognises, read)


def read_entries(path: Path) -> dict[str, Any]:
    """All entries of a `dataset.json`, as they stand there.

    Raises:
        FileError: it cannot be read, or is no JSON object.
    """
    expected = "the description of a data set of nnU-Net"
    try:
        values = json.loads(read_plain_file(path, expected, MAX_DESCRIPTION_BYTES))
    except (ValueError, RecursionError) as error:
        raise FileError(path, f"expected {expected}. Received: {error}.") from error
    if not isinstance(values, dict):
        raise FileError(path, f"expected {expected}. Received: JSON of another kind.")
    return values


def read_description(path: Path) -> Description:
    """Read and check a `dataset.json`.

    Raises:
        FileError: what is missing or wrong, and what was expected.
    """
    values = read_entries(path)
    channels = values.get("channel_names", values.get("modality"))  # v1 called them so
    if not isinstance(channels, dict) or list(channels) != ["0"]:
        received = f"{len(channels)} of them" if isinstance(channels, dict) else "none"
        raise FileError(path, f'expected channel_names of one channel, "0". Received: {received}.')
    ending = values.get("file_ending", FILE_ENDING)
    if ending not in VOLUME_SUFFIXES:
        endings = " or ".join(VOLUME_SUFFIXES)
        raise FileError(path, f"expected file_ending {endings}. Received: {ending!s:.20}.")
    num_cases = values.get("numTraining")
    return Description(
        path.parent,
        ending,
        _label_to_schema(path, values.get("labels")),
        num_cases if type(num_cases) is int else None,
    )


def _folders(root: Path) -> list[Path]:
    """The folder itself if it is a data set, or else those right below it that are."""
    try:
        below = sorted(root.iterdir())
    except OSError:
        below = []
    return [root] if _is_data_set(root) else [folder for folder in below if _is_data_set(folder)]


def _is_data_set(folder: Path) -> bool:
    return is_file(folder / DESCRIPTION_NAME) and os.path.isdir(folder / LABELS)


def _label_to_schema(path: Path, labels: Any) -> dict[int, int]:
    """Label value to label id, by the names of the labels: name to value in v2, value to name in v1."""
    values: dict[str, Any] = {}
    for key, value in labels.items() if isinstance(labels, dict) else ():
        name, number = (
            (value, int(key)) if isinstance(value, str) and SHORT_NUMBER.fullmatch(key) else (key, value)
        )
        values.setdefault(re.sub(r"[^a-z]", "", name.lower()), number)
    numbers: list[Any] = [
        next((values[name] for name in STRUCTURE_NAMES[structure] if name in values), None)
        for structure in SCHEMA.foreground
    ]
    is_number = [type(number) is int and 0 < number < 2**16 for number in numbers]
    if not all(is_number) or len(set(numbers)) < len(numbers):
        names = listed(list(map(str, labels))) if isinstance(labels, dict) else "none"
        raise FileError(
            path,
            f"expected labels with a number for each of {', '.join(SCHEMA.foreground)}, by this name or such "
            f"as {', '.join(STRUCTURE_NAMES[structure][1] for structure in SCHEMA.foreground)}. "
            f"Received: {names:.200}.",
        )
    return {0: 0} | {number: label_id for label_id, number in enumerate(numbers, start=1)}


def _parts(case: str) -> tuple[str, str]:
    """Subject and phase or frame of a case; a name that says no phase is the subject's."""
    match = CASE.fullmatch(case)
    return (match["subject"], match["word"]) if match else (case, "")


def _read_one(description: Description, subject: str, cases: Mapping[str, str]) -> RawSubject:
    """One subject from its cases: those of its phases, or of two frames."""
    pairs = {word: description.pair(case) for word, case in cases.items()}
    for image, label in pairs.values():
        require_partner(image, label)
    phases = {word.upper(): pair for word, pair in pairs.items()}
    issues: tuple[Issue, ...] = ()
    if len(pairs) == 2 and all(word.lower().startswith("frame") for word in pairs):
        sizes = lv_sizes({word: label for word, (_, label) in pairs.items()}, description.label_to_schema)
        phases = {phase: pairs[word] for phase, word in zip(PHASES, sizes, strict=True)}
        large, small = sizes.values()
        if small > DOUBTFUL_SHARE * large:
            problem = (
                f"expected an LV that is clearly larger at ED. Received: {large} and {small} voxels in two "
                f"frames; the larger is taken for ED"
            )
            issues = (Issue(WARNING, phases["ED"][1], problem),)
    if not set(phases) <= set(PHASES) or len(phases) < len(pairs):
        raise FileError(
            next(iter(pairs.values()))[0],
            f"expected cases {subject}_ED and {subject}_ES, or two frames such as {subject}_frame01. "
            f"Received: {listed(list(cases.values()))}. Where names do not say the phase, a cmrtf.yaml can.",
        )
    files = {
        phase: PhaseFiles(*phases[phase], frame=None, is_cine=False) for phase in PHASES if phase in phases
    }
    return RawSubject(subject, "", "", files, description.label_to_schema, issues)
