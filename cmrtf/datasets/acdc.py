"""Reads ACDC (Bernard et al., IEEE TMI 2018): one folder per patient, one file per labelled frame.

`patientNNN/` holds `Info.cfg`, `patientNNN_frameYY.nii.gz` and `patientNNN_frameYY_gt.nii.gz`, with or
without `training` and `testing` above it. Frames count from 1 and labels are 1 RV, 2 MYO, 3 LV.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from cmrtf.core.files import read_plain_file
from cmrtf.core.issues import WARNING, Issue
from cmrtf.core.labels import ACDC_TO_SCHEMA, PHASES
from cmrtf.datasets.base import (
    PhaseFiles,
    RawCohort,
    RawSubject,
    Reader,
    SkippedSubject,
    gather,
)
from cmrtf.datasets.phases import lv_sizes
from cmrtf.datasets.raw_files import is_there, require_partner, stranger_issues, visible_files, volume_file
from cmrtf.datasets.tables import known_pathology
from cmrtf.errors import FileError

NAME = "acdc"
INFO_NAME = "Info.cfg"
FILE_NAME = re.compile(r"patient\d+_frame(?P<frame>\d{1,4})(?P<label>_gt)?\.nii(\.gz)?")
PASSED_OVER = re.compile(r"patient\d+_4d\.nii(\.gz)?")
"""The cine that the labelled frames are of."""
PATIENT = re.compile(r"patient\d+")
FRAME = re.compile(r"\d{1,4}")
MAX_INFO_BYTES = 10_000
VENDOR = "A"
"""All of ACDC was acquired on Siemens scanners, vendor A of M&Ms."""


def read(root: Path) -> RawCohort:
    """All ACDC patients under a folder."""
    strangers = stranger_issues(root, "patientNNN_frameYY.nii.gz", _is_known)
    return gather(NAME, ((folder.name, folder) for folder in _patient_folders(root)), _read_one, strangers)


def recognises(root: Path) -> bool:
    """Whether there is any ACDC patient under a folder."""
    return bool(_patient_folders(root))


READER = Reader(NAME, "patientNNN/Info.cfg with patientNNN_frameYY[_gt].nii.gz", recognises, read)


def _is_known(path: Path) -> bool:
    """Whether a volume is ACDC's, and lies in the folder of its patient."""
    is_named = FILE_NAME.fullmatch(path.name) or PASSED_OVER.fullmatch(path.name)
    is_elsewhere = PATIENT.fullmatch(path.parent.name) and not path.name.startswith(f"{path.parent.name}_")
    return bool(is_named and not is_elsewhere)


def _patient_folders(root: Path) -> list[Path]:
    """Folders with ACDC files, by patient."""
    files = (path for path in visible_files(root) if path.name == INFO_NAME or FILE_NAME.fullmatch(path.name))
    return sorted({path.parent for path in files}, key=lambda folder: folder.name)


def _read_one(patient: str, folder: Path) -> RawSubject | SkippedSubject:
    """One patient from its folder."""
    labelled = _labelled_frames(folder)
    if folder.parent.name == "testing" and not labelled:
        return SkippedSubject(patient, "test patient without labels")
    info = _read_info(folder / INFO_NAME)
    issues: tuple[Issue, ...] = ()
    if not set(PHASES) <= set(info) and len(labelled) == 2:
        info |= _phases_by_volume(folder, labelled)
        problem = (
            "expected ED and ES. Received: not both; the labelled frame with the larger LV is taken for ED"
        )
        issues = (Issue(WARNING, folder / INFO_NAME, problem),)
    phases = {phase: _phase_files(folder, info, phase) for phase in PHASES}
    pathology = known_pathology(info.get("GROUP", ""))
    return RawSubject(patient, VENDOR, pathology, phases, ACDC_TO_SCHEMA, issues)


def _labelled_frames(folder: Path) -> list[int]:
    """Frames of a patient that have a label, counted from 1."""
    matches = (FILE_NAME.fullmatch(path.name) for path in folder.iterdir())
    return sorted({int(match["frame"]) for match in matches if match and match["label"]})


def _phases_by_volume(folder: Path, frames: list[int]) -> dict[str, str]:
    """ED and ES of two labelled frames."""
    labels = {str(frame): volume_file(folder, f"{_stem(folder, frame)}_gt") for frame in frames}
    return dict(zip(PHASES, lv_sizes(labels, ACDC_TO_SCHEMA), strict=True))


def _phase_files(folder: Path, info: Mapping[str, str], phase: str) -> PhaseFiles:
    """Image and label of the frame that `Info.cfg` names."""
    text, count = info.get(phase, "nothing"), info.get("NBFRAME", "")
    last = count if FRAME.fullmatch(count) else "the last"
    if not FRAME.fullmatch(text) or not 1 <= int(text) <= int(text if last == "the last" else last):
        problem = f"expected the frame of {phase}, from 1 to {last}. Received: {text:.40}."
        raise FileError(folder / INFO_NAME, problem)
    stem = _stem(folder, int(text))
    image, label = volume_file(folder, stem), volume_file(folder, f"{stem}_gt")
    if not is_there(image) and not is_there(label):
        problem = f"expected {image.name} beside it, since it says {phase}: {text}. Received: none."
        raise FileError(folder / INFO_NAME, problem)
    require_partner(image, label)
    return PhaseFiles(image, label, int(text) - 1, is_cine=False)


def _stem(folder: Path, frame: int) -> str:
    return f"{folder.name}_frame{frame:02d}"


def _read_info(path: Path) -> dict[str, str]:
    """`Info.cfg` as upper-case names to values; height, weight and frame count may be missing.

    Raises:
        FileError: it cannot be read, or says two things of one name.
    """
    content = read_plain_file(path, "ACDC's lines ED, ES and Group", MAX_INFO_BYTES)
    lines = content.decode("utf-8-sig", errors="replace").splitlines()
    values: dict[str, str] = {}
    for name, _, value in (line.partition(":") for line in lines):
        name, value = name.strip().upper(), value.strip()
        if values.setdefault(name, value) != value:
            received = f"{values[name]:.40} and {value:.40}"
            raise FileError(path, f"expected {name:.40} once. Received: {received}.")
    return values
